import { beforeEach, describe, expect, it } from 'vitest'
import {
  errorOf,
  granted,
  idpToken,
  minioJson,
  openStage,
  stsAnswer,
  stsRefusal,
  type Answer,
  type Ran,
  type Stage,
} from '../support/commands/harness.ts'

let stage: Stage

beforeEach(async () => {
  stage = await openStage()
})

function exchange(answer: Answer, ...flags: string[]): Promise<Ran> {
  stage.sts.answer = answer
  const net = ['--retries', '0', '--timeout', '1s']
  return stage.cli(['exchange', idpToken, '-sts-ep', stage.sts.url, ...net, ...flags])
}

const success = stsAnswer().body as string

describe('refused exchange', () => {
  it('a refusal of the STS is reported with its code, message and request id', async () => {
    const answer = stsRefusal('ExpiredToken', 'The web identity token expired', 400)
    expect(errorOf(await exchange(answer, '--json'))).toEqual({
      reason: 'token-expired',
      code: 'ERR_REFUSED',
      stage: 'sts',
      message: 'the STS refused',
      httpStatus: 400,
      serverCode: 'ExpiredToken',
      serverMessage: 'The web identity token expired',
      requestId: 'request-9',
      hint: 'get a new token; if it is new, compare the clocks',
      exitCode: 77,
    })
  })

  it.each([
    ['InvalidParameterValue', 'policy claim missing from the JWT token', /a claim «policy»/],
    ['InvalidParameterValue', 'DurationSeconds must be 900 or more', /^use --duration between/],
    ['InvalidParameterValue', 'the token has no aud that is ours', /aud or azp/],
    ['AccessDenied', 'no key for kid abc', /trust this identity provider’s keys/],
    ['AccessDenied', 'no', /^none$/],
  ])('the STS error %s «%s» gets a matching hint', async (code, message, hint) => {
    const ran = await exchange(stsRefusal(code, message, 400), '--json')
    expect(errorOf(ran)['hint'] ?? 'none').toMatch(hint)
  })

  it.each([
    [
      'ExpiredTokenException',
      'Token expired: current date/time 1 must be before 0',
      'token-expired',
    ],
    [
      'InvalidClientTokenId',
      'The security token included in the request is invalid.',
      'access-keys-refused',
    ],
    ['InvalidIdentityToken', 'Incorrect token audience', 'audience-refused'],
  ])('the refusal %s of AWS «%s» has the reason %s', async (code, message, reason) => {
    expect(errorOf(await exchange(stsRefusal(code, message, 400), '--json'))).toMatchObject({
      reason,
    })
  })

  it('a refusal in an S3 error document is understood', async () => {
    const body = '<Error><Code>AccessDenied</Code><Message>No.</Message></Error>'
    const { code, stderr } = await exchange({ status: 403, body })
    expect(code).toBe(77)
    expect(stderr).toBe('error: sts: the STS refused (HTTP 403, AccessDenied)\nNo.\n')
  })

  it('a refusal cannot control the terminal', async () => {
    const body =
      '<ErrorResponse><Error><Code>A\u009b2J</Code><Message>a&#10;b\u009b2J\u007f</Message></Error></ErrorResponse>'
    const { stderr } = await exchange({ status: 400, body })
    expect(stderr).toBe('error: sts: the STS refused (HTTP 400, A 2J)\na b 2J\n')
  })

  it.each([
    [429, 'SlowDown', 75],
    [503, 'SlowDown', 69],
    [500, 'InternalError', 69],
  ])('a temporary refusal with HTTP %i %s has its own exit code', async (status, word, code) => {
    const ran = await exchange(stsRefusal(word, 'later', status), '--json')
    expect(ran.code).toBe(code)
    expect(errorOf(ran)).toMatchObject({ serverCode: word, serverMessage: 'later' })
  })
})

describe('invalid STS answers', () => {
  it.each<[string, Answer, string]>([
    ['a page', { body: '<!DOCTYPE html><html></html>' }, 'an HTML page'],
    ['an HTML page with 404', { status: 404, body: '<html></html>' }, 'an HTML page'],
    ['nothing', {}, 'an empty body'],
    ['a redirect', { status: 301, headers: { location: 'https://console/' } }, 'an empty body'],
    ['JSON', { body: '{"a":1}' }, 'JSON'],
    ['XML cut short', { body: success.slice(0, 200) }, 'something that is not an XML document'],
    [
      'another action',
      stsAnswer('AssumeRole'),
      'a AssumeRoleResponse document instead of AssumeRoleWithClientGrantsResponse',
    ],
    [
      'no secret key',
      { body: success.replace(/<SecretAccessKey>.*<\/SecretAccessKey>/, '') },
      'Credentials without SecretAccessKey',
    ],
    [
      'an invalid time',
      { body: success.replace(/(<Expiration>).*(<\/Exp)/, '$1tomorrow$2') },
      'an Expiration that is not a date',
    ],
  ])('exchange exits 76 and reports %s', async (_what, answer, what) => {
    const ran = await exchange(answer, '--json')
    expect(ran).toMatchObject({ code: 76, stdout: '' })
    expect(errorOf(ran)).toMatchObject({
      code: 'ERR_PROTOCOL',
      stage: 'sts',
      message: `the STS answered with ${what}`,
    })
  })

  it.each([
    [500, '<html>oops</html>', 69],
    [502, '', 69],
    [503, 'no backend', 69],
    [429, '<html>slow down</html>', 75],
  ])('HTTP %i without an STS document counts as unavailable', async (status, body, code) => {
    const ran = await exchange({ status, body }, '--json')
    expect(ran.code).toBe(code)
    expect(errorOf(ran)).toMatchObject({ stage: 'sts', httpStatus: status })
  })

  it('an STS answer over 1 MiB is refused', async () => {
    const ran = await exchange({ body: `${success}${' '.repeat(1024 * 1024)}` }, '--json')
    expect(errorOf(ran)).toMatchObject({ code: 'ERR_PROTOCOL', exitCode: 76 })
  })

  it.each<[string, Answer]>([
    ['no answer', 'hang'],
    ['half an answer', { body: success.slice(0, 100), isUnfinished: true }],
  ])('exchange exits 75 after the timeout with %s', async (_what, answer) => {
    const ran = await exchange(answer)
    expect(ran.code).toBe(75)
    expect(ran.stderr).toMatch(/no answer from 127\.0\.0\.1:\d+ within 1 s\nhint: .*--timeout/)
  })
})

describe('MinIO STS of 2018', () => {
  it('login sends the parameters in the query after an STS answered the form with 405', async () => {
    stage.sts.answer = ({ url }) => (url === '/' ? { status: 405 } : stsAnswer())
    const ran = await stage.ask(['login', '-v'])
    expect(ran).toMatchObject({ code: 0, stdout: `##### Credentials\n${minioJson}` })
    const [form, query] = stage.sts.seen
    expect(query).toMatchObject({ method: 'POST', body: '' })
    expect(query?.url).toBe(`/?${form?.body ?? ''}`)
    expect(ran.stderr).not.toContain(idpToken)
  })

  it('login prints the STS’s local time in the quickstart’s JSON, and UTC elsewhere', async () => {
    const expirationText = '2026-11-23T10:10:29-07:00'
    stage.sts.answer = stsAnswer(undefined, { expirationText })
    const { stdout } = await stage.ask(['login', '-f', 'minio'])
    expect(stdout).toContain(`"expiration": "${expirationText}"`)
    const { stdout: utc } = await stage.cli(['creds', '--field', 'expiration'])
    expect(utc).toBe('2026-11-23T17:10:29Z\n')
  })
})

describe('unusual credentials', () => {
  it('special characters in credentials survive XML, the cache and Go’s JSON', async () => {
    const secretAccessKey = `<&>"'\u2028 ü€😀`
    stage.sts.answer = stsAnswer(undefined, { secretAccessKey })
    const { stdout } = await stage.ask(['login', '-f', 'minio'])
    expect(stdout).toContain(`"secretKey": "\\u003c\\u0026\\u003e\\"'\\u2028 ü€😀"`)
    expect(JSON.parse(stdout)).toMatchObject({
      accessKey: granted.accessKeyId,
      secretKey: secretAccessKey,
    })
  })
})
