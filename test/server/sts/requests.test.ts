import { Readable } from 'node:stream'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { makeToken, signers } from '../../support/tokens.ts'
import {
  openSts,
  requestId,
  version,
  type Ask,
  type Parameters,
} from '../../support/server/sts-harness.ts'

const token = makeToken(signers.RS256, { policy: 'readwrite' })
const good: Parameters = { Action: 'AssumeRoleWithClientGrants', Version: version, Token: token }
const policy = (document: unknown): Parameters => ({ ...good, Policy: JSON.stringify(document) })
const statement = { Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::b/*' }
const document = { Version: '2012-10-17', Statement: [statement] }

describe('an overloaded server', () => {
  it('an overloaded server answers SlowDown after it has read the body, before it checks the token', async () => {
    const body = Readable.from([Buffer.from('Token=x')], { objectMode: false })
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const slot = { acquire: async () => !body.readableEnded, release: () => {} }
    const { status, code, headers: answered } = await openSts().send({ body, headers, slot })
    expect({ status, code }).toEqual({ status: 503, code: 'SlowDown' })
    expect(answered['retry-after']).toBe('1')
  })
})

describe('refused requests', () => {
  it.each<[string, Parameters, string, string]>([
    [
      'no Action',
      { ...good, Action: undefined },
      'MissingParameter',
      'the parameter Action is missing',
    ],
    [
      'an empty Action',
      { ...good, Action: '' },
      'MissingParameter',
      'the parameter Action is missing',
    ],
    [
      'an unknown Action',
      { ...good, Action: 'GetDelegatedAccessToken' },
      'InvalidParameterValue',
      'the action GetDelegatedAccessToken is not supported',
    ],
    [
      'an Action of the prototype',
      { ...good, Action: 'constructor' },
      'InvalidParameterValue',
      'is not supported',
    ],
    [
      'an Action in another case',
      { ...good, Action: 'assumerole' },
      'InvalidParameterValue',
      'is not supported',
    ],
    [
      'no Version',
      { ...good, Version: undefined },
      'MissingParameter',
      'the parameter Version is missing or wrong; it must be 2011-06-15',
    ],
    [
      'another Version',
      { ...good, Version: '2010-05-08' },
      'MissingParameter',
      'the parameter Version is missing or wrong',
    ],
    [
      'no Token',
      { ...good, Token: undefined },
      'MissingParameter',
      'the parameter Token is missing',
    ],
    [
      'an empty Token',
      { ...good, Token: '' },
      'MissingParameter',
      'the parameter Token is missing',
    ],
    [
      'no WebIdentityToken',
      { ...good, Action: 'AssumeRoleWithWebIdentity', Token: undefined },
      'MissingParameter',
      'the parameter WebIdentityToken is missing',
    ],
    [
      'a policy that is not JSON',
      { ...good, Policy: '{' },
      'InvalidParameterValue',
      'the session policy is not a JSON object',
    ],
    [
      'a policy that is a list',
      { ...good, Policy: '[]' },
      'InvalidParameterValue',
      'the session policy is not a JSON object',
    ],
    [
      'a policy of another Version',
      policy({ ...document, Version: '2020-01-01' }),
      'InvalidParameterValue',
      'Version must be 2012-10-17',
    ],
    [
      'a policy without Version',
      policy({ Statement: [statement] }),
      'InvalidParameterValue',
      'Version must be 2012-10-17',
    ],
    [
      'a policy with an unknown action',
      policy({ ...document, Statement: [{ ...statement, Action: 's3:GetObjet' }] }),
      'InvalidParameterValue',
      'the action s3:GetObjet is not known',
    ],
    [
      'a policy with an unknown member',
      policy({ ...document, Extra: 1 }),
      'InvalidParameterValue',
      'unknown member Extra',
    ],
    [
      'a policy over 2,048 bytes',
      policy({ ...document, Id: 'ü'.repeat(1000) }),
      'InvalidParameterValue',
      'at most 2048 are accepted',
    ],
  ])('an STS request is refused with %s', async (_what, parameters, code, message) => {
    for (const where of [{ query: parameters }, { form: parameters }]) {
      const answer = await openSts().send(where)
      expect(answer).toMatchObject({ status: 400, code })
      expect(answer.message).toContain(message)
    }
  })

  it.each([
    '899',
    '31536001',
    '0',
    '-900',
    '900.5',
    '9e2',
    '0x384',
    '1h',
    ' 900',
    '١٢٣٤',
    '99999999999',
  ])('an STS request with the duration %j is refused', async (DurationSeconds) => {
    const answer = await openSts().send({ form: { ...good, DurationSeconds } })
    expect(answer).toMatchObject({
      code: 'InvalidParameterValue',
      message: 'DurationSeconds must be a whole number of seconds from 900 to 31536000',
    })
  })

  it.each(['AssumeRoleWithLDAPIdentity', 'AssumeRoleWithCertificate', 'AssumeRoleWithCustomToken'])(
    '%s is refused with STSNotInitialized if it is not configured',
    async (Action) => {
      expect(await openSts().send({ form: { ...good, Action } })).toMatchObject({
        status: 503,
        code: 'STSNotInitialized',
      })
    },
  )

  it('an STS request with too many parameters is refused', async () => {
    const many = Object.fromEntries(Array.from({ length: 260 }, (_, i) => [`p${i}`, '1']))
    expect(await openSts().send({ form: { ...many, ...good } })).toMatchObject({
      status: 400,
      code: 'InvalidRequest',
    })
  })
})

describe('session policies', () => {
  it('a session policy is stored in the credentials as it was written', async () => {
    const sts = openSts()
    const { credentials } = await sts.call('AssumeRoleWithClientGrants', { form: policy(document) })
    expect(await sts.inspect(credentials)).toMatchObject({
      sessionPolicy: JSON.stringify(document),
    })
  })

  it('an empty session policy counts as none', async () => {
    const sts = openSts()
    const form = { ...good, Policy: '' }
    const { credentials } = await sts.call('AssumeRoleWithClientGrants', { form })
    expect(await sts.inspect(credentials)).toMatchObject({ sessionPolicy: undefined })
  })
})

describe('request parameters', () => {
  const encoded = new URLSearchParams(
    Object.entries(good).map(([n, v]): [string, string] => [n, v ?? '']),
  ).toString()

  it.each<[string, Ask]>([
    ['first value counts in a form', { form: `${encoded}&Token=garbage&Action=x` }],
    ['first value counts in a query', { query: `${encoded}&Token=garbage&Version=1` }],
    ['query wins over the form', { query: { Token: token }, form: { ...good, Token: 'garbage' } }],
    ['form fills in what the query lacks', { query: { Action: good['Action'] }, form: good }],
    ['empty pieces are skipped', { form: `&&${encoded}&` }],
  ])('the STS reads parameters so that the %s', async (_what, ask) => {
    expect(await openSts().send(ask)).toMatchObject({ status: 200 })
  })

  it('the STS does not read parameters from a body that is not a form', async () => {
    const headers = { 'content-type': 'application/json' }
    expect(await openSts().send({ form: encoded, headers })).toMatchObject({
      code: 'MissingParameter',
    })
  })
})

describe('request bodies', () => {
  const form = { 'content-type': 'application/x-www-form-urlencoded' }

  it('a body that declares an excessive length is refused before it is read', async () => {
    let wasRead = false
    const body = new Readable({
      read() {
        wasRead = true
      },
    })
    const headers = { ...form, 'content-length': String(128 * 1024 + 1) }
    expect(await openSts().send({ headers, body })).toMatchObject({
      status: 400,
      code: 'InvalidRequest',
      message: 'the request body is longer than 131072 bytes',
    })
    expect(wasRead).toBe(false)
  })

  it('a body that grows too long is refused while it arrives', async () => {
    let sent = 0
    const body = new Readable({
      read() {
        sent += 64 * 1024
        this.push(Buffer.alloc(64 * 1024, 'a'))
      },
    })
    expect(await openSts().send({ headers: form, body })).toMatchObject({ code: 'InvalidRequest' })
    body.destroy()
    expect(sent).toBeLessThan(1024 * 1024)
  })

  it('a body that ends early is refused as incomplete', async () => {
    const body = new Readable({ read() {} })
    const answer = openSts().send({ headers: form, body })
    body.push('Action=')
    body.destroy()
    expect(await answer).toMatchObject({ status: 400, code: 'IncompleteBody' })
  })

  it('a body whose connection breaks is refused as incomplete', async () => {
    const body = new Readable({ read() {} })
    const answer = openSts().send({ headers: form, body })
    body.destroy(new Error('ECONNRESET'))
    expect(await answer).toMatchObject({ status: 400, code: 'IncompleteBody' })
  })

  it('a body that arrives byte by byte is accepted', async () => {
    const bytes = Buffer.from(new URLSearchParams(good as Record<string, string>).toString())
    const body = Readable.from([...bytes].map((byte) => Buffer.from([byte])))
    expect(await openSts().send({ headers: form, body })).toMatchObject({ status: 200 })
  })
})

describe('STS answers', () => {
  it.each<[string, Ask, number]>([
    ['a success', { form: good }, 200],
    ['an error', { form: { ...good, Token: 'x' } }, 400],
    ['an error without an action', { form: '' }, 400],
  ])('an answer that is %s is XML and must not be cached', async (_what, ask, status) => {
    const answer = await openSts().send(ask)
    expect(answer.status).toBe(status)
    expect(answer.headers).toMatchObject({
      'content-type': 'application/xml',
      'cache-control': 'no-store',
    })
    expect(answer.text).toContain(`<RequestId>${requestId}</RequestId>`)
  })

  it('an error is MinIO’s document', async () => {
    const { text } = await openSts().send({ form: { ...good, Token: undefined } })
    expect(text).toBe(
      '<?xml version="1.0" encoding="UTF-8"?>\n' +
        '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type></Type>' +
        '<Code>MissingParameter</Code><Message>the parameter Token is missing</Message></Error>' +
        `<RequestId>${requestId}</RequestId></ErrorResponse>`,
    )
  })

  it('the log line has operation, principal and error, but no secret', async () => {
    const sts = openSts()
    const answer = await sts.send({ form: good })
    expect(answer.log).toEqual({
      operation: 'AssumeRoleWithClientGrants',
      principal: 'alice',
      issuedAccessKeyId: expect.stringMatching(/^[A-Z0-9]{20}$/),
    })
    const refused = await sts.send({ form: { ...good, Token: `${token}x` } })
    expect(refused.log).toMatchObject({ error: 'InvalidParameterValue' })
    const everything = inspect([answer.facts, refused.facts, sts.logged], { depth: null })
    expect(everything).not.toContain(token.slice(-20))
    expect(everything).not.toContain(token.slice(0, 60))
  })

  it('the facts of a refused request have its action, or other for an unknown action', async () => {
    const operationOf = async (form: Parameters): Promise<string> =>
      (await openSts().send({ form: { ...good, ...form } })).facts.operation
    expect(await operationOf({ Version: '2010-05-08' })).toBe('AssumeRoleWithClientGrants')
    expect(await operationOf({ DurationSeconds: '1' })).toBe('AssumeRoleWithClientGrants')
    expect(await operationOf({ Action: 'AssumeRoleWithAnything' })).toBe('other')
  })

  it('an unexpected exception is answered as an internal error without details', async () => {
    const sts = openSts({
      checkSessionPolicy: () => {
        throw new TypeError('secret inside')
      },
    })
    const answer = await sts.send({ form: policy(document) })
    expect(answer).toMatchObject({ status: 500, code: 'InternalError', message: 'internal error' })
    expect(answer.text).not.toContain('secret')
    expect(sts.logged.at(-1)).toContain('error STS request failed')
  })
})
