/**
 * The fast path for `env`, `creds` and `credential-process`, which shells call at every start and SDKs at every call: it answers from the cache
 * without the option table and the parser, which cost most. Any but the plainest form goes the long way; a test compares the bytes of both.
 */
import { existsSync } from 'node:fs'
import type { Io } from '../base/io.ts'
import { findConfigPath, findUserDirectory } from '../client/find-user-directory.ts'
import { readCachedCredentials } from '../client/credential-cache.ts'
import { findUsable } from '../client/find-usable.ts'
import { formats } from '../client/formats/index.ts'
import { detectShell, type ShellName, shellNames } from '../client/formats/shells.ts'

const formatOf: Readonly<Record<string, string>> = {
  env: 'env',
  creds: 'minio',
  'credential-process': 'process',
}

interface FastRequest {
  readonly format: string
  readonly profile: string | undefined
  readonly shell: ShellName | undefined
}

/** Answers from the cache. @returns The exit code; undefined where the whole command line has to run. */
export async function runCachedFastPath(
  argv: readonly string[],
  io: Io,
): Promise<number | undefined> {
  const request = readRequest(argv)
  if (request === undefined || isConfigured(io)) return undefined
  const profile = request.profile ?? (io.env['STS_CLI_PROFILE'] || 'default')
  const directory = findUserDirectory('cache', io)
  const cached = directory === undefined ? undefined : readCachedCredentials(directory, profile)
  const usable = findUsable(cached, io.nowMs())
  if (usable === undefined || usable.isInKeyring === true) return undefined
  const render = await formats[request.format]?.()
  const shell = request.shell ?? detectShell(io.env, io.platform)
  const options = { env: io.env, shell, hasEndpoint: true, region: undefined, alias: profile }
  const document = render?.(usable, options)
  if (document === undefined) return undefined
  try {
    io.writeStdout(document.text)
    return 0
  } catch {
    // The reader is gone, or the disk is full: the whole command line reports it.
    return undefined
  }
}

/** Reads `env`, `creds` or `credential-process` with `-p NAME` and `--shell NAME` at most; undefined for any other command line. */
function readRequest([word = '', ...rest]: readonly string[]): FastRequest | undefined {
  const format = Object.hasOwn(formatOf, word) ? formatOf[word] : undefined
  if (format === undefined) return undefined
  let request: FastRequest = { format, profile: undefined, shell: undefined }
  for (let i = 0; i < rest.length; i += 1) {
    const [name = '', attached] = (rest[i] ?? '').split(/=(.*)/s)
    const value = attached ?? rest[(i += 1)]
    const shell = shellNames.find((candidate) => candidate === value)
    if (value !== undefined && value !== '' && (name === '-p' || name === '--profile'))
      request = { ...request, profile: value }
    else if (name === '--shell' && word === 'env' && shell !== undefined)
      request = { ...request, shell }
    else return undefined
  }
  return request
}

/** Returns whether an `STS_CLI_*` variable or a configuration file could change the answer. */
function isConfigured(io: Io): boolean {
  for (const name of Object.keys(io.env))
    if (name.startsWith('STS_CLI_') && name !== 'STS_CLI_PROFILE') return true
  const config = findConfigPath(io)
  return config !== undefined && existsSync(config)
}
