/** The whole flow on one screen: remembered? → token → exchange → remember. */
import { createHash } from 'node:crypto'
import type { Io } from '../../base/io.ts'
import type { TemporaryCredentials } from '../../protocol/credentials.ts'
import {
  isFresh,
  readCachedCredentials,
  writeCachedCredentials,
  type CachedCredentials,
} from '../credential-cache.ts'
import type { ObtainOptions } from '../options.ts'
import { exchangeToken } from '../sts-client.ts'
import { obtainToken } from '../token/obtain-token.ts'
import { withLock } from '../lock.ts'

/**
 * Credentials for the options: what is remembered when it was made from the same inputs and is good for a while, else new ones.
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
  const findFresh = async (): Promise<CachedCredentials | undefined> => {
    const remembered = readCachedCredentials(directory, cache.profile)
    if (remembered === undefined || remembered.inputs !== inputs) return undefined
    if (!isFresh(remembered, io.nowMs(), cache.minTtlSeconds)) return undefined
    return remembered.isSealed === true ? unseal(remembered, io) : remembered
  }
  const remembered = cache.isRefresh ? undefined : await findFresh()
  if (remembered !== undefined) return remembered
  const startedAtMs = io.nowMs()
  return withLock(
    { directory, name: cache.profile, timeoutMs: options.net.timeoutMs, io },
    async () => {
      // Somebody else may have renewed them while we waited: then one call to the identity provider was enough for all.
      const meanwhile = await findFresh()
      if (meanwhile !== undefined && (!cache.isRefresh || meanwhile.issuedAtMs >= startedAtMs))
        return meanwhile
      const present = readCachedCredentials(directory, cache.profile)
      const isOther = present !== undefined && present.inputs !== inputs
      if (cache.isEntryKept === true && isOther)
        return obtainAnew({ ...options, cache: { ...cache, directory: undefined } }, inputs, io)
      const obtained = await obtainAnew(options, inputs, io)
      const kept = cache.isSealed === true ? await seal(obtained, io) : obtained
      writeCachedCredentials(directory, kept)
      return obtained
    },
  )
}

async function seal(obtained: CachedCredentials, io: Io): Promise<CachedCredentials> {
  const { storeInKeyring } = await import('../keyring-credentials.ts')
  return storeInKeyring(await io.openKeyring?.(), obtained)
}

/** What is remembered, its keys from the keyring; undefined where that does not hold them. */
export async function unseal(
  remembered: CachedCredentials,
  io: Io,
): Promise<CachedCredentials | undefined> {
  const { readFromKeyring } = await import('../keyring-credentials.ts')
  return readFromKeyring(await io.openKeyring?.(), remembered)
}

async function obtainAnew(
  options: ObtainOptions,
  inputs: string,
  io: Io,
): Promise<CachedCredentials> {
  const { source, exchange, net } = options
  // What reads the STS's answer is compiled while the identity provider thinks.
  setImmediate(() => void import('../../protocol/sts-wire.ts'))
  const obtained = source === undefined ? undefined : await obtainToken(source, { net, io })
  // Before the exchange: a provider that rotates its tokens gives this one once.
  const isRenewable = await keepRefreshToken(options, obtained?.refreshToken, io)
  const issuedAtMs = io.nowMs()
  const credentials = await exchangeToken(
    { token: obtained?.token, expiresInSeconds: obtained?.expiresInSeconds, nowMs: issuedAtMs },
    exchange,
    net,
  )
  return toRemembered(credentials, {
    inputs,
    issuedAtMs,
    profile: options.cache.profile,
    stsEndpoint: exchange.stsEndpoint,
    origin: options.cache.origin ?? {},
    ...(isRenewable ? { isRenewable } : {}),
  })
}

/** In the keyring, unless nothing is to be remembered. @returns Whether these credentials can be renewed by it. */
async function keepRefreshToken(
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
  const isKept = await storeRenewal(await io.openKeyring?.(), cache.profile, renewal)
  if (!isKept)
    cache.note?.(
      'no keyring takes the refresh token here: sign in again when the credentials expire',
    )
  return isKept
}

function toRemembered(
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
 * One digest over all that shapes the answer; secrets go in, and only the digest comes out. A person's password stays out: whoever read the
 * digest could try all likely ones.
 */
function digestInputs({ source, exchange, net }: ObtainOptions): string {
  const { ldap, ...others } = exchange
  const shown = exchange.action === 'certificate' ? net.certFile : undefined
  return createHash('sha256')
    .update(JSON.stringify([source, others, ldap?.username, shown]))
    .digest('hex')
}
