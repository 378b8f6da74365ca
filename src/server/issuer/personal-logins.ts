/** What the library is told so that people can sign in: grants, pages, claims, and the password grant, which it does not have. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type {
  Configuration,
  Grant,
  KoaContextWithOIDC,
  Library,
  Provider,
} from './create-issuer.ts'
import type { Interactions } from './login-handler.ts'
import { TooManyAttempts } from '../../base/attempt-throttle.ts'
import { escapeHtml } from '../../base/escape-html.ts'
import { leavePlace } from './admit-requests.ts'
import { toBusy } from './client-throttle.ts'
import { renderPage, type Page } from './pages.ts'
import type { Users } from './users.ts'

export const loginPath = '/oauth2/login/'
/** The one thing that access tokens are for. */
export const stsResource = 'urn:sts-cli:sts'
const scope = 'openid offline_access'
const personalTokenSeconds = 3600

/** The part of the configuration that is about people. */
export function configureLogins({ interactionPolicy }: Library, users: Users): Configuration {
  const { base, Check } = interactionPolicy
  const policy = base()
  // A login is asked for each time: without a secret, any program on this machine could be the client (RFC 8252 §8.6).
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
    // What the client asks for is what these clients are for: nobody is asked to consent.
    loadExistingGrant: async ({ oidc }) => {
      const { accountId } = oidc.session ?? {}
      if (accountId === undefined || oidc.client === undefined) return undefined
      return grantAll(oidc.provider, accountId, oidc.client.clientId)
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

/** The pages of the device flow; the library makes the forms, with a word in them that no other site knows. */
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

/** The library's interactions, as the login page needs them. */
export function toInteractions(provider: Provider, { errors }: Library): Interactions {
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

/** Signs a token in the provider's name; what is left out of iss, iat, exp and jti is filled in. */
export type SignToken = (
  claims: Readonly<Record<string, unknown>>,
  type: 'at+jwt' | 'JWT',
) => Promise<string>

/** RFC 6749 §4.3, for clients that know nothing better; the same tokens as by the other ways, less the one that refreshes. */
export function addPasswordGrant(
  provider: Provider,
  library: Library,
  { users, signToken }: { users: Users; signToken: SignToken },
): void {
  const { errors } = library
  // The library's own InvalidGrant keeps the reason to itself.
  const refuse = (why: string): Error => new errors.CustomOIDCProviderError('invalid_grant', why)
  const grant = async (context: KoaContextWithOIDC): Promise<void> => {
    const { client, params = {} } = context.oidc
    const name = String(params['username'] ?? '')
    const password = String(params['password'] ?? '')
    const address = context.req.socket.remoteAddress ?? ''
    const onHold = (): void => leavePlace(context.req)
    const user = await users.logIn({ name, password, address, onHold }).catch((error: unknown) => {
      throw error instanceof TooManyAttempts ? toBusy(library, error.message) : error
    })
    if (user === undefined || client === undefined)
      throw refuse('the name or the password is wrong')
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

async function grantAll(provider: Provider, accountId: string, clientId: string): Promise<Grant> {
  const grant = new provider.Grant({ accountId, clientId })
  grant.addOIDCScope(scope)
  grant.addResourceScope(stsResource, scope)
  await grant.save()
  return grant
}
