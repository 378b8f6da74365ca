/** Grant → how its token is had. What a grant alone needs is loaded when it is asked for; client credentials are what every script waits for. */
import { StsCliError } from '../../base/errors.ts'
import type { Io } from '../../base/io.ts'
import type { IdTokenAccess, NetOptions, TokenSource } from '../options.ts'
import { obtainClientCredentialsToken } from './client-credentials.ts'
import type { PersonalToken } from './provider.ts'
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
  password: async (source, { net }) => {
    const { obtainPasswordToken } = await import('./password.ts')
    return chooseToken(await obtainPasswordToken(source, net), source)
  },
  'refresh-token': async (source, world) => {
    const { obtainRefreshedToken } = await import('./refresh-token.ts')
    const obtained = await obtainRefreshedToken(source, world)
    return chooseToken(obtained, obtained)
  },
  'github-actions': async (source, { net }) => {
    const { obtainGithubToken } = await import('./github-actions.ts')
    return obtainGithubToken(source, net)
  },
  token: async ({ token }) => toObtained(token),
  'token-command': async ({ command }) => {
    const { readSecretCommand } = await import('../../base/process/start-program.ts')
    return toObtained(await readSecretCommand(command, '--token-command'))
  },
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

function toObtained(token: string): ObtainedToken {
  if (token === '' || /\s/.test(token))
    throw new StsCliError('ERR_DATA', 'what is at hand is no token: it is empty or holds spaces', {
      stage: 'config',
    })
  return { token, expiresInSeconds: undefined, answer: { access_token: token } }
}

/** `expires_in` speaks of the access token alone, so an ID token's life is left to the STS. */
function chooseToken(
  obtained: PersonalToken,
  { isIdTokenWanted }: Pick<IdTokenAccess, 'isIdTokenWanted'>,
): ObtainedToken {
  if (!isIdTokenWanted || obtained.idToken === undefined) return obtained
  return { ...obtained, token: obtained.idToken, expiresInSeconds: undefined }
}
