/** Configures the library for users' logins: grants, pages, claims, and the password grant, which the library does not have. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Interactions } from './handle-login.ts'
import { TooManyAttempts } from '../../base/attempt-throttle.ts'
import { escapeHtml } from '../../base/escape-html.ts'
import { releaseSlot } from './admit-requests.ts'
import { toBusyError } from './throttle-clients.ts'
import type {
  Configuration,
  Grant,
  KoaContextWithOIDC,
  OidcLibrary,
  Provider,
} from './oidc-library.ts'
import { renderPage, type Page } from './pages.ts'
import type { Users } from './users.ts'

/** The path of the login page; an interaction's uid follows. */
export const loginPath = '/oauth2/login/'
/** The resource indicator of all access tokens (RFC 8707): they are only for the STS. */
export const stsResource = 'urn:sts-cli:sts'
const scope = 'openid offline_access'
const personalTokenSeconds = 3600

/** Returns the part of the library's configuration for users' logins. */
export function configureLogins({ interactionPolicy }: OidcLibrary, users: Users): Configuration {
  const { base, Check } = interactionPolicy
  const policy = base()
  // Every authorization needs a new login: the client has no secret, so any program on this machine could be it (RFC 8252 §8.6).
  policy.remove('consent')
  policy
    .get('login')
    ?.checks.add(
      new Check('each_time', 'a login is asked for each time', ({ oidc }: KoaContextWithOIDC) =>
        oidc.result?.login === undefined ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT,
      ),
    )
  return {
    interactions: { policy, url: (_context, { uid }) => `${loginPath}${uid}` },
    claims: { openid: ['sub', 'policy', 'preferred_username'] },
    findAccount: (_context, name) => {
      const user = users.find(name)
      if (user === undefined) return undefined
      const claims = { sub: name, preferred_username: name, policy: user.policy }
      return { accountId: name, claims: async () => claims }
    },
    // Nobody is asked to consent: every client may request the same scopes, and that is what it is for.
    loadExistingGrant: async ({ oidc }) => {
      const { accountId } = oidc.session ?? {}
      if (accountId === undefined || oidc.client === undefined) return undefined
      return createGrant(oidc.provider, accountId, oidc.client.clientId)
    },
    issueRefreshToken: async (_context, client) => client.grantTypeAllowed('refresh_token'),
    ttl: {
      Grant: 86_400,
      IdToken: personalTokenSeconds,
      Interaction: 600,
      RefreshToken: 86_400,
      Session: 600,
      DeviceCode: 600,
      AuthorizationCode: 60,
      AccessToken: personalTokenSeconds,
    },
  }
}

/** The pages of the device flow. The library renders the forms, with a token in them against cross-site request forgery. */
export const devicePages: NonNullable<NonNullable<Configuration['features']>['deviceFlow']> = {
  enabled: true,
  userCodeInputSource: (context, form, _out, error) =>
    show(context, {
      title: 'Connect a device',
      content: `<p>${error === undefined ? 'Enter the code that the terminal shows.' : 'That code is not known, or it is over. Look at the terminal and try again.'}</p>
${form}<button type="submit" form="op.deviceInputForm">Continue</button>`,
    }),
  userCodeConfirmSource: (context, form, client, _info, code) =>
    show(context, {
      title: 'Connect a device',
      content: `<p><b>${escapeHtml(client.clientId)}</b> shows the code <b>${escapeHtml(code)}</b>. Go on only if your own terminal shows it too.</p>
${form}<button type="submit" form="op.deviceConfirmForm">It does</button>`,
    }),
  successSource: (context) =>
    show(context, { title: 'Signed in', content: '<p>You may close this window.</p>' }),
}

function show(context: KoaContextWithOIDC, page: Page): void {
  const { headers, body } = renderPage(page)
  context.set(headers)
  context.body = body
}

/** Returns the library's interactions in the form that the login page needs. */
export function toInteractions(provider: Provider, { errors }: OidcLibrary): Interactions {
  return {
    async find(request: IncomingMessage, response: ServerResponse) {
      try {
        const { params, prompt } = await provider.interactionDetails(request, response)
        if (prompt.name !== 'login') return undefined
        const redirectUri = params['redirect_uri']
        return {
          clientId: String(params['client_id']),
          redirectUri: typeof redirectUri === 'string' ? redirectUri : undefined,
        }
      } catch (error) {
        if (error instanceof errors.SessionNotFound) return undefined
        throw error
      }
    },
    finish: (request, response, name) =>
      provider.interactionFinished(request, response, {
        login: { accountId: name, remember: false },
      }),
  }
}

/** Signs a token with the provider's key. Of `iss`, `iat`, `exp` and `jti`, the missing claims are added. */
export type SignToken = (
  claims: Readonly<Record<string, unknown>>,
  type: 'at+jwt' | 'JWT',
) => Promise<string>

/**
 * Adds the password grant (RFC 6749 §4.3) to the provider, for clients that support no other. It issues the same tokens as the other
 * grants, without a refresh token.
 */
export function addPasswordGrant(
  provider: Provider,
  library: OidcLibrary,
  { users, signToken }: { users: Users; signToken: SignToken },
): void {
  const { errors } = library
  // The library's own InvalidGrant does not show the reason to the client.
  const invalidGrant = (why: string): Error =>
    new errors.CustomOIDCProviderError('invalid_grant', why)
  const grant = async (context: KoaContextWithOIDC): Promise<void> => {
    const { client, params = {} } = context.oidc
    const name = String(params['username'] ?? '')
    const password = String(params['password'] ?? '')
    const address = context.req.socket.remoteAddress ?? ''
    const onHold = (): void => releaseSlot(context.req)
    const user = await users.logIn({ name, password, address, onHold }).catch((error: unknown) => {
      throw error instanceof TooManyAttempts ? toBusyError(library, error.message) : error
    })
    if (user === undefined || client === undefined)
      throw invalidGrant('the name or the password is wrong')
    const claims = { sub: name, aud: client.clientId, azp: client.clientId, policy: user.policy }
    const isOpenId = String(params['scope'] ?? '')
      .split(' ')
      .includes('openid')
    context.body = {
      access_token: await signToken({ ...claims, client_id: client.clientId }, 'at+jwt'),
      token_type: 'Bearer',
      expires_in: personalTokenSeconds,
      ...(isOpenId
        ? { id_token: await signToken({ ...claims, preferred_username: name }, 'JWT') }
        : {}),
    }
  }
  provider.registerGrantType('password', grant as never, ['username', 'password', 'scope'])
}

async function createGrant(
  provider: Provider,
  accountId: string,
  clientId: string,
): Promise<Grant> {
  const grant = new provider.Grant({ accountId, clientId })
  grant.addOIDCScope(scope)
  grant.addResourceScope(stsResource, scope)
  await grant.save()
  return grant
}
