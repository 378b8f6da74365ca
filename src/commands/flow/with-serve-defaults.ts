/** The endpoints and the client of a login, a token or a check when nobody names them: those of the profile's last login, or of the `sts-cli serve` on this machine. */
import { findUserDirectory } from '../../client/find-user-directory.ts'
import { isLoopback } from '../../base/http/loopback.ts'
import type { Io } from '../../base/io.ts'
import { readCachedCredentials } from '../../client/credential-cache.ts'
import { identityNames } from '../../client/credential-origin.ts'
import { findServeState, readServeStates, type ServeState } from '../../client/serve-state.ts'
import { repeatLogin } from './repeat-login.ts'
import type { ParsedArgv } from '../options/parse-argv.ts'
import { chooseOne, createSettings, type Settings } from '../options/settings.ts'
import { personalGrants } from './token-source.ts'
import { secretFlags, tokenFlags } from './secret-and-token-flags.ts'

const naming = [...identityNames.filter((name) => name !== 'role-arn'), ...tokenFlags]

/**
 * Returns settings with endpoints and client where nobody named them: those of the last login where a profile was named, else those of a
 * running `sts-cli serve`. For the profile `default` a running server comes first.
 */
export function withServeDefaults(own: Settings, io: Io): Settings {
  const isDefault = (own.get('profile') ?? 'default') === 'default'
  return isDefault
    ? (addServe(own, io) ?? addLastLogin(own, io) ?? own)
    : (addLastLogin(own, io) ?? addServe(own, io) ?? own)
}

/** Returns the same without the last login: for commands that belong to no profile, or look at configurations. */
export function withRunningServe(own: Settings, io: Io): Settings {
  return addServe(own, io) ?? own
}

/** Undefined where flags, variables or the profile name some of it, or where the last login's token is gone. Their other settings win. */
function addLastLogin(own: Settings, io: Io): Settings | undefined {
  const isNamed = naming.some((name) => own.getExplicit(name) !== undefined)
  const directory = findUserDirectory('cache', io)
  if (isNamed || directory === undefined) return undefined
  const cached = readCachedCredentials(directory, own.get('profile') ?? 'default')
  if (cached === undefined) return undefined
  const { parsed } = own
  const { parsed: repeated, missing } = repeatLogin(cached, parsed, io)
  const isToken = tokenFlags.some((name) => name in cached.origin)
  return isToken && missing !== undefined
    ? undefined
    : createSettings(
        { ...repeated, specs: parsed.specs, profile: withoutLastInsecure(repeated, parsed) },
        io,
      )
}

/** Returns the repeated settings without the last login's `--insecure`: a renewal repeats it, but a new login says so itself. */
function withoutLastInsecure(repeated: ParsedArgv, own: ParsedArgv): ParsedArgv['profile'] {
  const configured = own.profile?.get('insecure')
  const settings = new Map(repeated.profile)
  if (configured === undefined) settings.delete('insecure')
  else settings.set('insecure', configured)
  return settings
}

/** Undefined where none runs, or the settings name another server. */
function addServe(own: Settings, io: Io): Settings | undefined {
  const state = findServer(own, io)
  if (state === undefined) return undefined
  const served: Record<string, string> = {
    'idp-endpoint': state.tokenEndpoint,
    'sts-endpoint': state.stsEndpoint,
  }
  if (own.getExplicit('ca-file') === undefined) served['ca-file'] = state.caFile
  const client = chooseServeClient(own, state)
  const hasOwnSecret = [...secretFlags, 'token', 'token-file'].some(
    (name) => own.getExplicit(name) !== undefined,
  )
  const whichIdp = chooseOne(own, 'issuer', 'idp-endpoint')
  const isOwnIdp = whichIdp !== undefined && own.getExplicit(whichIdp) !== state.tokenEndpoint
  if (client !== undefined && !hasOwnSecret && !isOwnIdp) Object.assign(served, client)
  return createSettings(own.parsed, io, served)
}

/** Returns the server at the addresses that the user names; the newest where none is named. Its secret must not go to an address that somebody else named. */
function findServer(own: Settings, io: Io): ServeState | undefined {
  const directory = findUserDirectory('state', io)
  const endpoints = ['idp-endpoint', 'issuer', 'sts-endpoint']
    .map(own.getExplicit)
    .filter((text) => text !== undefined)
  if (directory === undefined || !endpoints.every(isLoopback)) return undefined
  // An endpoint in AWS's variable counts as named.
  const source = own.sourceOf('sts-endpoint')
  const stsEndpoint = source === 'default' ? undefined : own.get('sts-endpoint')
  const states = readServeStates(directory)
  const provider = chooseOne(own, 'issuer', 'idp-endpoint')
  const tokenEndpoint = provider === 'idp-endpoint' ? own.getExplicit(provider) : undefined
  // With a provider of the user's own beside serve's STS, serve's client is not used.
  return (
    findServeState(states, { stsEndpoint, tokenEndpoint }) ??
    findServeState(states, { stsEndpoint, tokenEndpoint: undefined })
  )
}

/** Returns the server's demo client; for a person who signs in, the client without a secret. Undefined where the user named another. */
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
