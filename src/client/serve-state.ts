/** What `sts-cli serve` left on this machine, so that a plain `sts-cli login` finds it. */
import { readdirSync } from 'node:fs'
import { isAlive } from '../base/is-alive.ts'
import { isLoopback } from '../base/loopback.ts'
import {
  makePrivateFolder,
  readPrivateFile,
  removeQuietly,
  writePrivateFile,
} from '../base/private-file.ts'
import { parseJsonObject, readNumber, readString } from '../base/parse.ts'

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
const statePath = (directory: string): string => `${directory}/serve.json`

/**
 * Leaves the certificates and, where there is a client to log in with, the state of a server that just started; the last one started is
 * the one that `login` finds.
 *
 * @param certificates PEM. @returns Where they lie, and what takes it all away again. @throws Node's own error.
 */
export function leaveServeState(
  directory: string,
  { pid, certificates, state }: LeaveOptions,
): { caFile: string; remove: () => void } {
  makePrivateFolder(directory)
  removeAbandoned(directory)
  const caFile = `${directory}/serve-${pid}.pem`
  writePrivateFile(caFile, certificates)
  if (state !== undefined) {
    const { stsEndpoint: sts, tokenEndpoint: idp, clientId, clientSecret } = state
    const { publicClientId } = state
    const own = { sts, idp, caFile, clientId, clientSecret, publicClientId }
    const text = JSON.stringify({ version: 1, pid, ...own })
    writePrivateFile(statePath(directory), `${text}\n`)
  }
  const remove = (): void => {
    removeQuietly(caFile)
    const json = parseJsonObject(readPrivateFile(statePath(directory), maxStateBytes) ?? '')
    if (json !== undefined && readNumber(json, 'pid') === pid) removeQuietly(statePath(directory))
  }
  return { caFile, remove }
}

interface LeaveOptions {
  readonly pid: number
  readonly certificates: string
  readonly state: Omit<ServeState, 'caFile'> | undefined
}

/** What servers left that were killed before they could clean up. */
function removeAbandoned(directory: string): void {
  for (const name of readdirSync(directory)) {
    const [, pid] = /^serve-(\d+)\.pem$/.exec(name) ?? []
    if (pid !== undefined && !isAlive(Number(pid))) removeQuietly(`${directory}/${name}`)
  }
}

/** The state of a server that runs. Nothing when its file is not ours and private, its process is gone, or it points off this machine. */
export function readServeState(directory: string): ServeState | undefined {
  const json = parseJsonObject(readPrivateFile(statePath(directory), maxStateBytes) ?? '')
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
  const publicClientId = readString(json, 'publicClientId')
  return { stsEndpoint, tokenEndpoint, caFile, clientId, clientSecret, publicClientId }
}
