/** What `sts-cli serve` left on this machine, so that a plain `sts-cli login` finds it. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import { parseJsonObject, readNumber, readString } from '../base/parse.ts'

export interface ServeState {
  readonly stsEndpoint: string
  readonly tokenEndpoint: string
  readonly caFile: string
  readonly clientId: string
  readonly clientSecret: string
}

/** `$XDG_STATE_HOME/sts-cli`, else `~/.local/state/sts-cli` (`%LOCALAPPDATA%\sts-cli` on Windows); undefined where there is no home. */
export function findStateDirectory(
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform,
): string | undefined {
  const xdg = env['XDG_STATE_HOME']
  if (xdg !== undefined && xdg.startsWith('/')) return `${xdg}/sts-cli`
  if (platform === 'win32')
    return env['LOCALAPPDATA'] === undefined ? undefined : `${env['LOCALAPPDATA']}\\sts-cli`
  return env['HOME'] === undefined || env['HOME'] === ''
    ? undefined
    : `${env['HOME']}/.local/state/sts-cli`
}

/** The state of a server that runs. Nothing when its file is not ours and private, its process is gone, or it points off this machine. */
export function readServeState(directory: string): ServeState | undefined {
  const json = readPrivateJson(`${directory}/serve.json`)
  if (json === undefined || readNumber(json, 'version') !== 1 || !isAlive(readNumber(json, 'pid')))
    return undefined
  const texts = ['sts', 'idp', 'caFile', 'clientId', 'clientSecret'].map((name) =>
    readString(json, name),
  )
  const [stsEndpoint, tokenEndpoint, caFile, clientId, clientSecret] = texts
  if (
    stsEndpoint === undefined ||
    tokenEndpoint === undefined ||
    caFile === undefined ||
    clientId === undefined ||
    clientSecret === undefined
  )
    return undefined
  if (!isLoopback(stsEndpoint) || !isLoopback(tokenEndpoint)) return undefined
  return { stsEndpoint, tokenEndpoint, caFile, clientId, clientSecret }
}

/** True for `localhost`, `*.localhost`, 127.0.0.0/8 and `::1`. */
export function isLoopback(url: string): boolean {
  if (!URL.canParse(url)) return false
  return /^(.*\.)?localhost$|^127\.\d+\.\d+\.\d+$|^\[::1\]$/.test(new URL(url).hostname)
}

function readPrivateJson(path: string): Readonly<Record<string, unknown>> | undefined {
  let descriptor: number
  try {
    descriptor = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0))
  } catch {
    return undefined
  }
  try {
    const stat = fstatSync(descriptor)
    const isOurs =
      process.getuid === undefined || (stat.uid === process.getuid() && (stat.mode & 0o077) === 0)
    return isOurs && stat.size < 64 * 1024
      ? parseJsonObject(readFileSync(descriptor, 'utf8'))
      : undefined
  } finally {
    closeSync(descriptor)
  }
}

function isAlive(pid: number | undefined): boolean {
  if (pid === undefined || !Number.isSafeInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
