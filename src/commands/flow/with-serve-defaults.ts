/** Where a login, a token or a check goes when flags do not say it: to what the profile's last login used, or to the `sts-cli serve` of this machine. */
import { isLoopback } from '../../base/http/loopback.ts'
import type { Io } from '../../base/io.ts'
import { findCacheDirectory, readCachedCredentials } from '../../client/credential-cache.ts'
import { identityNames } from '../../client/credential-origin.ts'
import {
  findServeState,
  findStateDirectory,
  readServeStates,
  type ServeState,
} from '../../client/serve-state.ts'
import type { ParsedArgv } from '../options/parse-argv.ts'
import { repeatLogin } from './repeat-login.ts'
import { chooseOne, createSettings, type Settings } from '../options/settings.ts'
import { personalGrants } from './token-source.ts'
import { secretFlags, tokenFlags } from './secret-and-token-flags.ts'

const naming = [...identityNames.filter((name) => name !== 'role-arn'), ...tokenFlags]

/**
 * Settings with what stands in for endpoints and client that nobody named: those of the profile's last login where a profile was named, else
 * those of a running `sts-cli serve`. For the profile `default` a server that runs comes first.
 */
export function withServeDefaults(parsed: ParsedArgv, io: Io): Settings {
  const own = createSettings(parsed, io)
  const isDefault = (own.get('profile') ?? 'default') === 'default'
  return isDefault
    ? (addServe(parsed, io) ?? addLastLogin(parsed, io) ?? own)
    : (addLastLogin(parsed, io) ?? addServe(parsed, io) ?? own)
}

/** Without the last login: for what is asked of no profile, and for what looks at configurations. */
export function withRunningServe(parsed: ParsedArgv, io: Io): Settings {
  return addServe(parsed, io) ?? createSettings(parsed, io)
}

/** Undefined where flags, variables or the profile name some of it, or where the last login's token is not there any more. What they say of options wins. */
function addLastLogin(parsed: ParsedArgv, io: Io): Settings | undefined {
  const own = createSettings(parsed, io)
  const isNamed = naming.some((name) => own.getExplicit(name) !== undefined)
  const directory = findCacheDirectory(io.env, io.platform)
  if (isNamed || directory === undefined) return undefined
  const remembered = readCachedCredentials(directory, own.get('profile') ?? 'default')
  if (remembered === undefined) return undefined
  const { parsed: repeated, missing } = repeatLogin(remembered, parsed, io)
  const isToken = tokenFlags.some((name) => name in remembered.origin)
  return isToken && missing !== undefined
    ? undefined
    : createSettings({ ...repeated, specs: parsed.specs }, io)
}

/** Undefined where none runs, or what is said names another server. */
function addServe(parsed: ParsedArgv, io: Io): Settings | undefined {
  const own = createSettings(parsed, io)
  const state = findServer(own, io)
  if (state === undefined) return undefined
  const found: Record<string, string> = {
    'idp-endpoint': state.tokenEndpoint,
    'sts-endpoint': state.stsEndpoint,
  }
  if (own.getExplicit('ca-file') === undefined) found['ca-file'] = state.caFile
  const client = chooseServeClient(own, state)
  const hasOwnSecret = [...secretFlags, 'token', 'token-file'].some(
    (name) => own.getExplicit(name) !== undefined,
  )
  const whichIdp = chooseOne(own, 'issuer', 'idp-endpoint')
  const isOwnIdp = whichIdp !== undefined && own.getExplicit(whichIdp) !== state.tokenEndpoint
  if (client !== undefined && !hasOwnSecret && !isOwnIdp) Object.assign(found, client)
  return createSettings(parsed, io, found)
}

/** The server that listens where the user says; the newest where nothing is said. Its secret must not travel to an address that somebody else named. */
function findServer(own: Settings, io: Io): ServeState | undefined {
  const directory = findStateDirectory(io.env, io.platform)
  const endpoints = ['idp-endpoint', 'issuer', 'sts-endpoint']
    .map(own.getExplicit)
    .filter((text) => text !== undefined)
  if (directory === undefined || !endpoints.every(isLoopback)) return undefined
  // AWS's variable is something else that was given, whether it names a server of this machine or another one.
  const place = own.sourceOf('sts-endpoint')
  const stsEndpoint = place === 'default' ? undefined : own.get('sts-endpoint')
  const states = readServeStates(directory)
  const provider = chooseOne(own, 'issuer', 'idp-endpoint')
  const tokenEndpoint = provider === 'idp-endpoint' ? own.getExplicit(provider) : undefined
  // A provider of the user's own beside serve's STS: then serve's client stays at home.
  return (
    findServeState(states, { stsEndpoint, tokenEndpoint }) ??
    findServeState(states, { stsEndpoint, tokenEndpoint: undefined })
  )
}

/** The server's demo client; for a person who signs in, the one without a secret. Undefined where the user named another. */
function chooseServeClient(
  settings: Settings,
  state: ServeState,
): Readonly<Record<string, string>> | undefined {
  const named = settings.getExplicit('client-id')
  const isPersonal = [...personalGrants, 'password', 'refresh-token'].includes(
    settings.getExplicit('grant') ?? '',
  )
  if (isPersonal && named === undefined)
    return state.publicClientId === undefined ? undefined : { 'client-id': state.publicClientId }
  if (named !== undefined && named !== state.clientId) return undefined
  return { 'client-id': state.clientId, 'client-secret': state.clientSecret }
}
