import { readFileSync } from 'node:fs'
import path from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  errorOf,
  idpToken,
  json,
  openStage,
  tokenAnswer,
  type Answer,
  type Stage,
} from '../support/commands/harness.ts'

interface Recorded {
  readonly request: { readonly path: string; readonly body: string | null }
  readonly response: { readonly status: number; readonly body: string }
}

const keycloak = JSON.parse(
  readFileSync(path.join(import.meta.dirname, '..', 'vectors', 'keycloak-26.json'), 'utf8'),
) as readonly Recorded[]

let stage: Stage

beforeEach(async () => {
  stage = await openStage()
})

async function askFor(answer: Answer): Promise<Record<string, unknown>> {
  stage.idp.answer = answer
  const ran = await stage.ask(['login', '--json', '--retries', '0', '--timeout', '1s'])
  expect(ran.stdout).toBe('')
  expect(stage.sts.seen).toEqual([])
  const error = errorOf(ran)
  expect(error['exitCode']).toBe(ran.code)
  return error
}

describe('Keycloak refusals', () => {
  const refusals = keycloak.filter(({ response }) => response.status >= 400)
  const hints: Readonly<Record<string, RegExp>> = {
    invalid_client: /^check -cid and -csec$/,
    unauthorized_client: /client credentials grant/,
    unsupported_grant_type: /^allow the client credentials grant/,
    invalid_scope: /--scope/,
    'Realm does not exist': /^check the path of -idp-ep/,
  }

  it('the recordings hold seven refusals of Keycloak', () => {
    expect(refusals).toHaveLength(7)
  })

  it.each(refusals)('login reports Keycloak’s refusal $response.body', async ({ response }) => {
    const body = JSON.parse(response.body) as { error: string; error_description?: string }
    const error = await askFor(response)
    expect(error).toMatchObject({
      code: 'ERR_REFUSED',
      stage: 'idp',
      httpStatus: response.status,
      serverCode: body.error,
      serverMessage: body.error_description ?? '',
      exitCode: 77,
    })
    expect(error['hint'] ?? 'no hint').toMatch(hints[body.error] ?? /^no hint$/)
  })

  it('a refusal of Keycloak is readable for people', async () => {
    stage.idp.answer = { status: 401, body: refusals[1]?.response.body ?? '' }
    const { code, stderr } = await stage.ask(['login'])
    expect(code).toBe(77)
    expect(stderr).toBe(
      'error: idp: the identity provider refused the token request (HTTP 401, invalid_client)\n' +
        'Invalid client or Invalid client credentials\n' +
        'hint: check -cid and -csec\n',
    )
  })
})

describe('Keycloak token answers', () => {
  const answers = keycloak.filter(({ response }) => response.body.includes('"access_token"'))

  it.each(answers)('login accepts Keycloak’s answer to $request.body', async ({ response }) => {
    stage.idp.answer = response
    expect((await stage.ask(['login'])).code).toBe(0)
    const { access_token: token } = JSON.parse(response.body) as { access_token: string }
    expect(stage.sts.seen[0]?.form.get('Token')).toBe(token)
  })
})

describe('invalid token answers', () => {
  const html = '<!DOCTYPE html><html><body>Sign in</body></html>'

  it.each<[string, Answer, string]>([
    ['an HTML page', { headers: { 'content-type': 'text/html' }, body: html }, 'an HTML page'],
    ['an HTML 404', { status: 404, body: html }, 'an HTML page'],
    ['nothing', {}, 'an empty body'],
    ['plain text', { body: 'access_token=x' }, 'something that is not JSON'],
    ['JSON cut short', { body: '{"access_token":"a' }, 'something that is not JSON'],
    ['a list', { body: '[]' }, 'something that is not JSON'],
    ['an object without a token', json({ token_type: 'Bearer' }), 'no access_token'],
    ['a token that is a number', json({ access_token: 5 }), 'no access_token'],
    ['an empty token', json({ access_token: '' }), 'an access_token that cannot be one'],
    ['a token of two lines', json({ access_token: 'a\nb' }), 'an access_token that cannot be one'],
    ['a DPoP token', tokenAnswer({ token_type: 'DPoP' }), 'a token of type DPoP'],
    [
      'a redirect',
      { status: 302, headers: { location: 'https://login.example/a?b=c' } },
      'a redirect to login.example',
    ],
    ['a redirect to nowhere', { status: 307 }, 'a redirect'],
  ])('login exits 76 and reports %s in the token answer', async (_what, answer, what) => {
    expect(await askFor(answer)).toMatchObject({
      code: 'ERR_PROTOCOL',
      stage: 'idp',
      message: `the identity provider answered with ${what}`,
      exitCode: 76,
    })
  })

  it('login does not follow a redirect of the token endpoint', async () => {
    stage.idp.answer = { status: 302, headers: { location: `${stage.sts.url}/token` } }
    expect((await stage.ask(['login', '--retries=0'])).code).toBe(76)
    expect(stage.sts.seen).toEqual([])
  })

  it('a token answer may be up to 1 MiB long', async () => {
    const bare = JSON.stringify({ access_token: idpToken })
    const pad = (bytes: number): Answer => ({ body: bare.padEnd(bytes) })
    stage.idp.answer = pad(1024 * 1024)
    expect((await stage.cli(['token', ...stage.flags.filter(isIdpFlag)])).code).toBe(0)
    const error = await askFor(pad(1024 * 1024 + 1))
    expect(error).toMatchObject({ code: 'ERR_PROTOCOL', stage: 'idp' })
    expect(error['message']).toMatch(/is longer than 1048576 bytes$/)
  })

  it('an error of the provider cannot control the terminal', async () => {
    const answer = json({ error: 'bad\u001b[31m', error_description: 'a\nb\u009b2J' }, 400)
    expect(await askFor(answer)).toMatchObject({ serverCode: 'bad [31m', serverMessage: 'a b 2J' })
  })
})

describe('unavailable identity provider', () => {
  it.each<[string, Answer, string, number]>([
    ['500 with JSON', json({ error: 'server_error' }, 500), 'ERR_UNAVAILABLE', 69],
    ['500 with a page', { status: 500, body: '<html>' }, 'ERR_UNAVAILABLE', 69],
    ['503 with nothing', { status: 503 }, 'ERR_UNAVAILABLE', 69],
    ['429 with JSON', json({ error: 'slow_down' }, 429), 'ERR_TIMEOUT', 75],
    ['429 with text', { status: 429, body: 'slow down' }, 'ERR_TIMEOUT', 75],
    ['a closed connection', 'cut', 'ERR_UNAVAILABLE', 69],
    ['half an answer', { body: '{"access_', isUnfinished: true }, 'ERR_TIMEOUT', 75],
    ['no answer', 'hang', 'ERR_TIMEOUT', 75],
  ])('login reports a provider that answers with %s', async (_what, answer, code, exitCode) => {
    expect(await askFor(answer)).toMatchObject({ code, stage: 'idp', exitCode })
  })
})

/** Tells whether a flag belongs to the provider: `token` has no STS flags. */
function isIdpFlag(word: string): boolean {
  return word !== '-sts-ep' && word !== stage.sts.url
}
