/** Grant → how its token is had. What a grant alone needs is loaded when it is asked for; client credentials are what every script waits for. */
import type { Io } from '../../base/io.ts'
import type { NetOptions, PersonalAccess, TokenSource } from '../options.ts'
import { obtainClientCredentialsToken } from './client-credentials.ts'
import type { PersonalToken } from './openid-provider.ts'
import type { ObtainedToken } from './token-answer.ts'

type Grant = TokenSource['grant']
type SourceOf<G extends Grant> = Extract<TokenSource, { grant: G }>

interface World {
  readonly net: NetOptions
  /** The person at the terminal, for grants that need one. */
  readonly io: Io
}

const grants: {
  readonly [G in Grant]: (source: SourceOf<G>, world: World) => Promise<ObtainedToken>
} = {
  'client-credentials': (source, { net }) => obtainClientCredentialsToken(source, net),
  browser: async (source, world) => {
    const { obtainBrowserToken } = await import('./browser.ts')
    return chooseToken(await obtainBrowserToken(source, world), source)
  },
  'device-code': async (source, world) => {
    const { obtainDeviceToken } = await import('./device-code.ts')
    return chooseToken(await obtainDeviceToken(source, world), source)
  },
  token: async ({ token }) => ({
    token,
    expiresInSeconds: undefined,
    answer: { access_token: token },
  }),
}

/**
 * The token that a source describes.
 *
 * @throws {StsCliError} What the identity provider, the person or the machine refused.
 */
export function obtainToken(source: TokenSource, world: World): Promise<ObtainedToken> {
  // The table's type says that each grant finds its own source; a look-up by a union cannot.
  const obtain = grants[source.grant] as (
    source: TokenSource,
    world: World,
  ) => Promise<ObtainedToken>
  return obtain(source, world)
}

/** `expires_in` speaks of the access token alone, so an ID token's life is left to the STS. */
function chooseToken(obtained: PersonalToken, { isIdTokenWanted }: PersonalAccess): ObtainedToken {
  if (!isIdTokenWanted || obtained.idToken === undefined) return obtained
  return { ...obtained, token: obtained.idToken, expiresInSeconds: undefined }
}
