/** Settings → the origin that is stored beside cached credentials: all that shaped them, and no secret. */
import path from 'node:path'
import type { Io } from '../../base/io.ts'
import type { CredentialOrigin, OriginSetting } from '../../client/credential-origin.ts'
import { expectationNames, identityNames } from '../../client/credential-origin.ts'
import type { ExchangeOptions } from '../../client/options.ts'
import type { TokenSource } from '../../client/token/obtain-token.ts'
import { readRenewal } from '../../client/refresh-token-store.ts'
import { chooseOne, type Settings } from '../options/settings.ts'
import { secretFlags, tokenFlags } from './secret-and-token-flags.ts'

/** Settings of which only the source is stored: secrets, and command lines, which may contain one. */
const withheld: ReadonlySet<string> = new Set([
  'client-secret',
  'client-secret-command',
  'token',
  'token-command',
])
const files: ReadonlySet<string> = new Set([
  'client-secret-file',
  'token-file',
  'password-file',
  'key-file',
  'ca-file',
  'cert',
  'key',
])
/** Settings of every login, whatever its grant. */
const always = [
  ...'sts-endpoint action duration role-arn role-session-name ca-file cert key'.split(' '),
  ...'policy-arn tag transitive-tag external-id source-identity'.split(' '),
  ...expectationNames,
]
/** Parameters of a token request whose values are secrets (RFC 6749, 7521, 7523). */
const secretParameter = /secret|password|token|assertion|credential|code|key|signature/i

/**
 * Returns the origin of a login's credentials. For a refresh token, the keyring names the provider and the client that it came from.
 *
 * @param flow The options that were read from the settings.
 */
export async function readOrigin(
  settings: Settings,
  { source, exchange }: { source: TokenSource | undefined; exchange: ExchangeOptions },
  io: Io,
): Promise<CredentialOrigin> {
  const names = [
    ...always,
    ...namesOfSource(source, settings),
    ...(exchange.ldap === undefined ? [] : ['username', 'password-file']),
  ]
  const origin: Record<string, OriginSetting> = {}
  for (const name of names) store(origin, settings, name)
  for (const name of identityNames)
    if (settings.getExplicit(name) !== undefined && !(isProvider(name) && hasProvider(origin)))
      store(origin, settings, name)
  storePolicy(origin, settings, exchange)
  if (settings.has('insecure'))
    origin['insecure'] = { from: settings.sourceOf('insecure') ?? 'flag', value: 'true' }
  if (source !== undefined && 'clientSecret' in source) storeSecret(origin, settings, source)
  if (source !== undefined && 'parameters' in source) storeParameters(origin, settings)
  if (exchange.signWith !== undefined)
    Object.assign(origin, originOfSigning(exchange.signWith.accessKeyId, exchange.region))
  const isAsked = exchange.ldap !== undefined || source?.grant === 'password'
  if (isAsked && origin['password-file'] === undefined) origin['password-file'] = { from: 'prompt' }
  if (source?.grant !== 'refresh-token') return origin
  const renewal = await readRenewal(await io.openKeyring?.(), source.profile)
  return renewal === undefined ? origin : { ...origin, ...originOfAccess(renewal.access) }
}

function namesOfSource(source: TokenSource | undefined, settings: Settings): string[] {
  if (source === undefined) return []
  const isGiven = source.grant === 'token' || source.grant === 'token-command'
  if (isGiven) return [chooseOne(settings, ...tokenFlags) ?? 'token-file']
  // A grant without a client of its own.
  if (!('clientId' in source)) return 'audience' in source ? ['grant', 'audience'] : ['grant']
  const provider = source.issuer === undefined ? 'idp-endpoint' : 'issuer'
  const client = ['grant', provider, 'client-id', 'auth-method', 'key-file', 'scope', 'audience']
  return source.grant === 'password' ? [...client, 'username', 'password-file'] : client
}

function isProvider(name: string): boolean {
  return name === 'issuer' || name === 'idp-endpoint'
}

function hasProvider(origin: Readonly<Record<string, OriginSetting>>): boolean {
  return origin['issuer'] !== undefined || origin['idp-endpoint'] !== undefined
}

function store(origin: Record<string, OriginSetting>, settings: Settings, name: string): void {
  const [value, ...more] = settings.list(name)
  if (value === undefined) return
  const from = settings.sourceOf(name) ?? 'default'
  // Standard input cannot be read a second time.
  if (withheld.has(name) || value === '-') origin[name] = { from }
  else if (more.length > 0) origin[name] = { from, value: [value, ...more] }
  else origin[name] = { from, value: files.has(name) ? path.resolve(value) : value }
}

/** Stores the policy as text, because its file may change. */
function storePolicy(
  origin: Record<string, OriginSetting>,
  settings: Settings,
  { policy }: ExchangeOptions,
): void {
  const chosen = chooseOne(settings, 'policy', 'policy-file')
  if (policy !== undefined && chosen !== undefined)
    origin['policy'] = { from: settings.sourceOf(chosen) ?? 'flag', value: policy }
}

function storeSecret(
  origin: Record<string, OriginSetting>,
  settings: Settings,
  { clientSecret }: { readonly clientSecret?: string | undefined },
): void {
  if (clientSecret === undefined) return
  const chosen = chooseOne(settings, ...secretFlags) ?? 'client-secret'
  if (settings.get(chosen) === undefined) origin[chosen] = { from: 'prompt' }
  else store(origin, settings, chosen)
}

function storeParameters(origin: Record<string, OriginSetting>, settings: Settings): void {
  const value = settings.list('param')
  if (value.length === 0) return
  const from = settings.sourceOf('param') ?? 'flag'
  const isSecret = value.some((text) => secretParameter.test(text.split('=')[0] ?? ''))
  origin['param'] = isSecret ? { from } : { from, value }
}

/** Returns the origin of a signature. The access key is not a secret: it tells who signed. */
function originOfSigning(accessKeyId: string, region: string): CredentialOrigin {
  const from = 'variable'
  return { 'access-key': { from, value: accessKeyId }, region: { from, value: region } }
}

function originOfAccess(access: {
  readonly issuer?: string | undefined
  readonly tokenEndpoint?: string | undefined
  readonly clientId: string
}): CredentialOrigin {
  const from = 'keyring'
  const { issuer, tokenEndpoint, clientId } = access
  return {
    'client-id': { from, value: clientId },
    ...(issuer === undefined ? {} : { issuer: { from, value: issuer } }),
    ...(tokenEndpoint === undefined ? {} : { 'idp-endpoint': { from, value: tokenEndpoint } }),
  }
}
