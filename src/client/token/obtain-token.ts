/** The table of grants: what each is, in words for a list, and what gets its token. Each is loaded when it is used. */
import { StsCliError } from '../../base/errors.ts'
import type { Io } from '../../base/io.ts'
import type { ClientAccess, IdTokenAccess, NetOptions } from '../options.ts'
import type { BrowserSource } from './browser.ts'
import type { DeviceSource } from './device-code.ts'
import type { GithubActionsSource } from './github-actions.ts'
import type { PasswordSource } from './password.ts'
import type { PersonalToken } from './provider.ts'
import type { RefreshSource } from './refresh-token.ts'
import type { ObtainedToken } from './token-answer.ts'

/** The source of a token: one member for each grant. */
export type TokenSource =
  | ({ readonly grant: 'client-credentials' } & ClientAccess)
  | BrowserSource
  | DeviceSource
  | PasswordSource
  | RefreshSource
  | GithubActionsSource
  | { readonly grant: 'token'; readonly token: string }
  /** The shell runs the command line, which prints a token. */
  | { readonly grant: 'token-command'; readonly command: string }

type Grant = TokenSource['grant']
type SourceOf<G extends Grant> = Extract<TokenSource, { grant: G }>

interface TokenContext {
  readonly net: NetOptions
  /** The person at the terminal, for grants that need one. */
  readonly io: Io
}

interface GrantRow<G extends Grant> {
  /** What the grant is, in a few words. */
  readonly summary: string
  obtain(source: SourceOf<G>, context: TokenContext): Promise<ObtainedToken>
}

/** Every grant by its name. A new one is a row here and a file that the row loads. */
export const grants: { readonly [G in Grant]: GrantRow<G> } = {
  'client-credentials': {
    summary: 'a program signs in as itself',
    async obtain(source, { net }) {
      const { obtainClientCredentialsToken } = await import('./client-credentials.ts')
      return obtainClientCredentialsToken(source, net)
    },
  },
  browser: {
    summary: 'a person signs in',
    async obtain(source, context) {
      const { obtainBrowserToken } = await import('./browser.ts')
      return chooseToken(await obtainBrowserToken(source, context), source)
    },
  },
  'device-code': {
    summary: 'a person signs in on another device',
    async obtain(source, context) {
      const { obtainDeviceToken } = await import('./device-code.ts')
      return chooseToken(await obtainDeviceToken(source, context), source)
    },
  },
  password: {
    summary: 'a user name and password',
    async obtain(source, { net }) {
      const { obtainPasswordToken } = await import('./password.ts')
      return chooseToken(await obtainPasswordToken(source, net), source)
    },
  },
  'refresh-token': {
    summary: 'as the last sign-in',
    async obtain(source, context) {
      const { obtainRefreshedToken } = await import('./refresh-token.ts')
      const obtained = await obtainRefreshedToken(source, context)
      return chooseToken(obtained, obtained)
    },
  },
  'github-actions': {
    summary: 'the job’s own token',
    async obtain(source, { net }) {
      const { obtainGithubToken } = await import('./github-actions.ts')
      return obtainGithubToken(source, net)
    },
  },
  token: { summary: 'a given token', obtain: async ({ token }) => toObtained(token) },
  'token-command': {
    summary: 'a token that a command prints',
    async obtain({ command }) {
      const { readSecretCommand } = await import('../../base/process/start-program.ts')
      return toObtained(
        await readSecretCommand(command, { what: 'token', option: 'token-command' }),
      )
    },
  },
}

/**
 * Gets the token that a source describes.
 *
 * @throws {StsCliError} What the identity provider, the person or the machine refused.
 */
export function obtainToken(source: TokenSource, context: TokenContext): Promise<ObtainedToken> {
  // The table's type gives each grant its own source; TypeScript cannot follow that through a look-up by a union.
  const row = grants[source.grant] as GrantRow<Grant>
  return row.obtain(source, context)
}

function toObtained(token: string): ObtainedToken {
  if (token === '' || /\s/.test(token))
    throw new StsCliError(
      'token-malformed',
      'what is at hand is no token: it is empty or holds spaces',
      {
        stage: 'config',
      },
    )
  return { token, expiresInSeconds: undefined, answer: { access_token: token } }
}

/** Chooses the token to exchange. `expires_in` is for the access token, so the STS decides on an ID token's lifetime. */
function chooseToken(
  obtained: PersonalToken,
  { isIdTokenWanted }: Pick<IdTokenAccess, 'isIdTokenWanted'>,
): ObtainedToken {
  if (!isIdTokenWanted || obtained.idToken === undefined) return obtained
  return { ...obtained, token: obtained.idToken, expiresInSeconds: undefined }
}
