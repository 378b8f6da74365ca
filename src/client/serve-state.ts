/** The state files of `sts-cli serve`, by which a plain `sts-cli login` on this machine finds it. */
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
import {
  isObject,
  type JsonObject,
  parseJsonObject,
  readNumber,
  readString,
} from '../base/parse.ts'
import type { Credentials } from '../protocol/credentials.ts'

export interface ServeState {
  readonly stsEndpoint: string
  readonly tokenEndpoint: string
  readonly caFile: string
  readonly clientId: string
  readonly clientSecret: string
  /** The client without a secret with which people sign in; undefined where the server has no users. */
  readonly publicClientId?: string | undefined
  /** Root's keys, where the server made them itself: nobody else could know them. Undefined where its user chose them. */
  readonly root?: Credentials | undefined
}

const maxStateBytes = 64 * 1024

/**
 * Writes the certificates and, where there is a client to log in with, the state of a server that just started. Each server has its own
 * files: two in one home do not disturb each other.
 *
 * @param certificates PEM. @returns The certificates' file, and a function that removes these files and no others. @throws Node's own error.
 */
export function writeServeState(
  directory: string,
  { pid, certificates, state }: WriteOptions,
): { caFile: string; remove: () => void } {
  makePrivateFolder(directory)
  removeAbandoned(directory)
  const base = `${directory}/serve-${pid}-${randomBytes(4).toString('hex')}`
  const caFile = `${base}.pem`
  writePrivateFile(caFile, certificates)
  if (state !== undefined) {
    const { stsEndpoint: sts, tokenEndpoint: idp, clientId, clientSecret } = state
    const { publicClientId, root } = state
    const process = { pid, startedAt: identifyProcess(pid), host: hostname() }
    const own = { sts, idp, caFile, clientId, clientSecret, publicClientId, root }
    writePrivateFile(`${base}.json`, `${JSON.stringify({ version: 2, ...process, ...own })}\n`)
  }
  const remove = (): void => {
    removeQuietly(caFile)
    removeQuietly(`${base}.json`)
  }
  return { caFile, remove }
}

interface WriteOptions {
  readonly pid: number
  readonly certificates: string
  readonly state: Omit<ServeState, 'caFile'> | undefined
}

/**
 * Removes the files of servers that were killed. A home may be shared by machines, so another host's state stays. Certificates without a state
 * file name no host; they are removed when no process has their process id.
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

/** Lists the state files, the newest first, by the file's time: a server writes its file once, when it starts. */
function listStateFiles(directory: string): string[] {
  return listFiles(directory, /^serve-\d+-[0-9a-f]+\.json$/)
    .map((path) => ({ path, mtimeMs: statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0 }))
    .toSorted((a, b) => b.mtimeMs - a.mtimeMs)
    .map(({ path }) => path)
}

/** Returns whether the process that wrote the state still runs: its id may belong to another process now. */
function isRunning(json: JsonObject): boolean {
  const pid = readNumber(json, 'pid')
  if (pid === undefined || !isAlive(pid)) return false
  const startedAt = readString(json, 'startedAt')
  return startedAt === undefined || startedAt === identifyProcess(pid)
}

/**
 * Returns the states of the servers that run on this machine, the newest first. A file does not count when others can write or read it, its
 * process is gone, it is another machine's, or its addresses are not on this machine.
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
  const root = readRoot(json['root'])
  return { stsEndpoint, tokenEndpoint, caFile, clientId, clientSecret, publicClientId, root }
}

function readRoot(value: unknown): Credentials | undefined {
  if (!isObject(value)) return undefined
  const accessKeyId = readString(value, 'accessKeyId')
  const secretAccessKey = readString(value, 'secretAccessKey')
  if (accessKeyId === undefined || secretAccessKey === undefined) return undefined
  return { accessKeyId, secretAccessKey }
}

/**
 * Returns the newest of `states` at the given addresses; an address that is undefined may be any. `localhost` matches 127.0.0.1 and `[::1]`,
 * because people call a server at either so; these two do not match each other, because they may be two servers. `tokenEndpoint`, which gets
 * the secret, must be exactly the address that the server named.
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

/** Returns both with `localhost` as the host where one of them has it. */
function toLocalhost(one: string, other: string): [string, string] {
  const urls = [new URL(one), new URL(other)] as const
  const isNamed = urls.some(({ hostname: name }) => name === 'localhost')
  for (const url of urls)
    if (isNamed && ['127.0.0.1', '[::1]'].includes(url.hostname)) url.hostname = 'localhost'
  return [urls[0].href, urls[1].href]
}
