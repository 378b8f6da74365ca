/** The whole flow on one screen: cached? → token → exchange → cache. */
import { sha256Hex } from '../../protocol/digest.ts'
import type { Io } from '../../base/io.ts'
import type { TemporaryCredentials } from '../../protocol/credentials.ts'
import {
  readCachedCredentials,
  writeCachedCredentials,
  type CachedCredentials,
} from '../credential-cache.ts'
import { findUsable } from '../find-usable.ts'
import type { CacheOptions, ExchangeOptions, NetOptions } from '../options.ts'
import { exchangeToken } from '../sts-client.ts'
import { obtainToken, type TokenSource } from '../token/obtain-token.ts'
import { withLock } from '../with-lock.ts'

export interface ObtainOptions {
  /** Undefined for actions that take no token. */
  readonly source: TokenSource | undefined
  readonly exchange: ExchangeOptions
  readonly net: NetOptions
  readonly cache: CacheOptions
}

/**
 * Returns credentials for the options: the cached ones where they come from the same inputs and are usable for a while, else new ones.
 *
 * @throws {StsCliError} What the identity provider, the STS or the disk refused.
 */
export async function obtainCredentials(
  options: ObtainOptions,
  io: Io,
): Promise<CachedCredentials> {
  const { cache } = options
  const inputs = digestInputs(options)
  if (cache.directory === undefined) return obtainAnew(options, inputs, io)
  const { directory } = cache
  const findOwn = async (): Promise<CachedCredentials | undefined> => {
    const cached = readCachedCredentials(directory, cache.profile)
    const usable = findUsable(cached, io.nowMs(), cache.minTtlSeconds)
    if (usable === undefined || usable.inputs !== inputs) return undefined
    return usable.isInKeyring === true ? withKeyringSecrets(usable, io) : usable
  }
  const usable = cache.isRefresh ? undefined : await findOwn()
  if (usable !== undefined) return usable
  const startedAtMs = io.nowMs()
  return withLock(
    { directory, name: cache.profile, timeoutMs: options.net.timeoutMs, io },
    async () => {
      // Another process may have renewed them while this one waited: then one call to the identity provider serves all.
      const meanwhile = await findOwn()
      if (meanwhile !== undefined && (!cache.isRefresh || meanwhile.issuedAtMs >= startedAtMs))
        return meanwhile
      const present = readCachedCredentials(directory, cache.profile)
      const isOther = present !== undefined && present.inputs !== inputs
      if (cache.isEntryKept === true && isOther)
        return obtainAnew({ ...options, cache: { ...cache, directory: undefined } }, inputs, io)
      const obtained = await obtainAnew(options, inputs, io)
      const written = cache.isInKeyring === true ? await moveToKeyring(obtained, io) : obtained
      writeCachedCredentials(directory, written)
      return obtained
    },
  )
}

async function moveToKeyring(obtained: CachedCredentials, io: Io): Promise<CachedCredentials> {
  const { storeInKeyring } = await import('../keyring-credentials.ts')
  return storeInKeyring(await io.openKeyring?.(), obtained)
}

/** Returns cached credentials with their secrets from the keyring; undefined where the keyring does not hold them. */
export async function withKeyringSecrets(
  cached: CachedCredentials,
  io: Io,
): Promise<CachedCredentials | undefined> {
  const { readFromKeyring } = await import('../keyring-credentials.ts')
  return readFromKeyring(await io.openKeyring?.(), cached)
}

async function obtainAnew(
  options: ObtainOptions,
  inputs: string,
  io: Io,
): Promise<CachedCredentials> {
  const { source, exchange, net } = options
  // The module that reads the STS's answer is compiled while the identity provider works.
  setImmediate(() => void import('../../protocol/sts-wire.ts'))
  const obtained = source === undefined ? undefined : await obtainToken(source, { net, io })
  // Before the exchange: a provider that rotates refresh tokens gives this one only once.
  const isRenewable = await storeRefreshToken(options, obtained?.refreshToken, io)
  const issuedAtMs = io.nowMs()
  const credentials = await exchangeToken(
    { token: obtained?.token, expiresInSeconds: obtained?.expiresInSeconds, nowMs: issuedAtMs },
    exchange,
    net,
  )
  return toCached(credentials, {
    inputs,
    issuedAtMs,
    profile: options.cache.profile,
    stsEndpoint: exchange.stsEndpoint,
    origin: options.cache.origin ?? {},
    ...(isRenewable ? { isRenewable } : {}),
  })
}

/** Stores it in the keyring, unless nothing is to be cached. @returns Whether these credentials can be renewed by it. */
async function storeRefreshToken(
  { source, exchange, cache }: ObtainOptions,
  refreshToken: string | undefined,
  io: Io,
): Promise<boolean> {
  if (source === undefined || cache.directory === undefined) return false
  if (source.grant === 'refresh-token') return true
  if (refreshToken === undefined || cache.isKeyringUnwanted === true) return false
  if (!('isIdTokenWanted' in source)) return false
  const { storeRenewal } = await import('../refresh-token-store.ts')
  const { isIdTokenWanted } = source
  const renewal = { refreshToken, access: source, exchange, isIdTokenWanted }
  const isStored = await storeRenewal(await io.openKeyring?.(), cache.profile, renewal)
  if (!isStored)
    cache.note?.(
      'no keyring takes the refresh token here: sign in again when the credentials expire',
    )
  return isStored
}

function toCached(
  { accessKeyId, secretAccessKey, sessionToken, expiration, expirationText }: TemporaryCredentials,
  about: Pick<
    CachedCredentials,
    'inputs' | 'issuedAtMs' | 'profile' | 'stsEndpoint' | 'isRenewable' | 'origin'
  >,
): CachedCredentials {
  return {
    version: 2,
    accessKeyId,
    secretAccessKey,
    sessionToken,
    expiresAtMs: expiration.getTime(),
    expirationText,
    ...about,
  }
}

/**
 * Returns one digest of everything that shapes the answer. Secrets go in, and only the digest comes out; a person's password stays out, because
 * with the digest likely passwords could be tried.
 */
function digestInputs({ source, exchange, net }: ObtainOptions): string {
  const { ldap, ...others } = exchange
  const certFile = exchange.action === 'certificate' ? net.certFile : undefined
  return sha256Hex(JSON.stringify([source, others, ldap?.username, certFile]))
}
