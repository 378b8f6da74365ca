/**
 * What a shell asks at every start and an SDK at every call, answered without the option table and the parser: they cost more than all else.
 * Whatever is not the plainest form of `env`, `creds` or `credential-process` is left to them; one test holds both to the same bytes.
 */
import { existsSync } from 'node:fs'
import type { Io } from '../base/io.ts'
import { findConfigPath } from '../client/config-path.ts'
import { findCacheDirectory, readCachedCredentials } from '../client/credential-cache.ts'
import { findUsable } from '../client/find-usable.ts'
import { formats } from '../client/formats/index.ts'
import { detectShell, type ShellName, shellNames } from '../client/formats/shells.ts'

const formatOf: Readonly<Record<string, string>> = {
  env: 'env',
  creds: 'minio',
  'credential-process': 'process',
}

interface Question {
  readonly format: string
  readonly profile: string | undefined
  readonly shell: ShellName | undefined
}

/** @returns The exit code; undefined where the whole command line has to be asked. */
export async function runCachedFastPath(
  argv: readonly string[],
  io: Io,
): Promise<number | undefined> {
  const question = readQuestion(argv)
  if (question === undefined || isToldMore(io)) return undefined
  const profile = question.profile ?? (io.env['STS_CLI_PROFILE'] || 'default')
  const directory = findCacheDirectory(io.env, io.platform)
  const cached = directory === undefined ? undefined : readCachedCredentials(directory, profile)
  const usable = findUsable(cached, io.nowMs())
  if (usable === undefined || usable.isInKeyring === true) return undefined
  const render = await formats[question.format]?.()
  const shell = question.shell ?? detectShell(io.env, io.platform)
  const options = { env: io.env, shell, hasEndpoint: true, region: undefined, alias: profile }
  const document = render?.(usable, options)
  if (document === undefined) return undefined
  try {
    io.writeStdout(document.text)
    return 0
  } catch {
    // Nobody reads, or the disk is full: the whole command line says so in its words.
    return undefined
  }
}

/** `env`, `creds` or `credential-process`, with `-p NAME` and `--shell NAME` at most. */
function readQuestion([word = '', ...rest]: readonly string[]): Question | undefined {
  const format = Object.hasOwn(formatOf, word) ? formatOf[word] : undefined
  if (format === undefined) return undefined
  let question: Question = { format, profile: undefined, shell: undefined }
  for (let i = 0; i < rest.length; i += 1) {
    const [name = '', attached] = (rest[i] ?? '').split(/=(.*)/s)
    const value = attached ?? rest[(i += 1)]
    const shell = shellNames.find((candidate) => candidate === value)
    if (value !== undefined && value !== '' && (name === '-p' || name === '--profile'))
      question = { ...question, profile: value }
    else if (name === '--shell' && word === 'env' && shell !== undefined)
      question = { ...question, shell }
    else return undefined
  }
  return question
}

/** Whether a variable of ours or a configuration has a word in it. */
function isToldMore(io: Io): boolean {
  for (const name of Object.keys(io.env))
    if (name.startsWith('STS_CLI_') && name !== 'STS_CLI_PROFILE') return true
  const config = findConfigPath(io.env, io.platform)
  return config !== undefined && existsSync(config)
}
