/** What `sts-cli serve` left on this machine, so that a plain `sts-cli login` finds it. */
import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { hostname } from 'node:os'
import { isAlive } from '../base/process/is-alive.ts'
import { identifyProcess } from '../base/process/process-start.ts'
import { isLoopback } from '../base/http/loopback.ts'
import {
  makePrivateFolder,
  readPrivateFile,
  removeQuietly,
  writePrivateFile,
} from '../base/files/private-file.ts'
import { type JsonObject, parseJsonObject, readNumber, readString } from '../base/parse.ts'

export interface ServeState {
  readonly stsEndpoint: string
  readonly tokenEndpoint: string
  readonly caFile: string
  readonly clientId: string
  readonly clientSecret: string
  /** The client without a secret as which people sign in; undefined where the server has no people. */
  readonly publicClientId?: string | undefined
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

const maxStateBytes = 64 * 1024

/**
 * Leaves the certificates and, where there is a client to log in with, the state of a server that just started. Each server has files of its
 * own: two in one home do not disturb each other.
 *
 * @param certificates PEM. @returns Where they lie, and what takes these files (no others) away again. @throws Node's own error.
 */
export function leaveServeState(
  directory: string,
  { pid, certificates, state }: LeaveOptions,
): { caFile: string; remove: () => void } {
  makePrivateFolder(directory)
  removeAbandoned(directory)
  const base = `${directory}/serve-${pid}-${randomBytes(4).toString('hex')}`
  const caFile = `${base}.pem`
  writePrivateFile(caFile, certificates)
  if (state !== undefined) {
    const { stsEndpoint: sts, tokenEndpoint: idp, clientId, clientSecret } = state
    const { publicClientId } = state
    const process = { pid, startedAt: identifyProcess(pid), host: hostname() }
    const own = { sts, idp, caFile, clientId, clientSecret, publicClientId }
    writePrivateFile(`${base}.json`, `${JSON.stringify({ version: 2, ...process, ...own })}\n`)
  }
  const remove = (): void => {
    removeQuietly(caFile)
    removeQuietly(`${base}.json`)
  }
  return { caFile, remove }
}

interface LeaveOptions {
  readonly pid: number
  readonly certificates: string
  readonly state: Omit<ServeState, 'caFile'> | undefined
}

/**
 * Removes what servers left that were killed before they could clean up. A home may be shared: the state that another machine's server left
 * is not ours to judge. Certificates without a state beside them carry no host; they go with their process id.
 */
function removeAbandoned(directory: string): void {
  for (const path of listFiles(directory, /^serve(-\d+-[0-9a-f]+)?\.json$/)) {
    const json = parseJsonObject(readPrivateFile(path, maxStateBytes) ?? '')
    const host = json === undefined ? undefined : readString(json, 'host')
    if (json === undefined || (host ?? hostname()) !== hostname() || isRunning(json)) continue
    removeQuietly(path)
    removeQuietly(path.replace(/json$/, 'pem'))
  }
  for (const path of listFiles(directory, /^serve-\d+(-[0-9a-f]+)?\.pem$/)) {
    const pid = Number(/serve-(\d+)[^/]*$/.exec(path)?.[1])
    if (!isAlive(pid) && !existsSync(path.replace(/pem$/, 'json'))) removeQuietly(path)
  }
}

function listFiles(directory: string, pattern: RegExp): string[] {
  try {
    const names = readdirSync(directory).filter((name) => pattern.test(name))
    return names.map((name) => `${directory}/${name}`)
  } catch {
    return []
  }
}

/** Newest first: by the file's time, because a server writes it once, when it starts. */
function listStateFiles(directory: string): string[] {
  return listFiles(directory, /^serve-\d+-[0-9a-f]+\.json$/)
    .map((path) => ({ path, mtimeMs: statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0 }))
    .toSorted((a, b) => b.mtimeMs - a.mtimeMs)
    .map(({ path }) => path)
}

/** Whether the very process that wrote it runs: its id may have been given to another one since. */
function isRunning(json: JsonObject): boolean {
  const pid = readNumber(json, 'pid')
  if (pid === undefined || !isAlive(pid)) return false
  const startedAt = readString(json, 'startedAt')
  return startedAt === undefined || startedAt === identifyProcess(pid)
}

/**
 * The states of the servers that run on this machine, the newest first. A file does not count when it is not ours and private, its process is
 * gone, it is another machine's, or it points off this machine.
 */
export function readServeStates(directory: string): ServeState[] {
  removeAbandoned(directory)
  return listStateFiles(directory)
    .map(readState)
    .filter((state) => state !== undefined)
}

function readState(path: string): ServeState | undefined {
  const json = parseJsonObject(readPrivateFile(path, maxStateBytes) ?? '')
  if (json === undefined || readNumber(json, 'version') !== 2) return undefined
  if (readString(json, 'host') !== hostname() || !isRunning(json)) return undefined
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
  const publicClientId = readString(json, 'publicClientId')
  return { stsEndpoint, tokenEndpoint, caFile, clientId, clientSecret, publicClientId }
}

/**
 * The newest server among `states` that is the one at the addresses asked for; an address that is undefined may be any. Only `localhost` is
 * also 127.0.0.1 or `[::1]`, because a server at one of these is called so; those two may be two servers. Where the secret goes,
 * `tokenEndpoint`, must be the address that the server itself named.
 */
export function findServeState(
  states: readonly ServeState[],
  { stsEndpoint, tokenEndpoint }: Addresses,
): ServeState | undefined {
  const atProvider = states.filter(
    (state) => tokenEndpoint === undefined || isSameUrl(tokenEndpoint, state.tokenEndpoint),
  )
  if (stsEndpoint === undefined) return atProvider[0]
  return (
    atProvider.find((state) => isSameUrl(stsEndpoint, state.stsEndpoint)) ??
    atProvider.find((state) => isSameUrl(...toLocalhost(stsEndpoint, state.stsEndpoint)))
  )
}

interface Addresses {
  readonly stsEndpoint: string | undefined
  readonly tokenEndpoint: string | undefined
}

function isSameUrl(one: string, other: string): boolean {
  return URL.canParse(one) && URL.canParse(other) && new URL(one).href === new URL(other).href
}

/** Both with `localhost` as the host where one of them has it. */
function toLocalhost(one: string, other: string): [string, string] {
  const urls = [new URL(one), new URL(other)] as const
  const isNamed = urls.some(({ hostname: name }) => name === 'localhost')
  for (const url of urls)
    if (isNamed && ['127.0.0.1', '[::1]'].includes(url.hostname)) url.hostname = 'localhost'
  return [urls[0].href, urls[1].href]
}
