import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Credentials, TemporaryCredentials } from '../../../src/protocol/credentials.ts'
import { emptySha256, type SignedMessage } from '../../../src/protocol/sigv4/canonical-request.ts'
import { presignUrl, signRequest, type SignOptions } from '../../../src/protocol/sigv4/sign.ts'
import { createRequestAuthenticator } from '../../../src/server/identity/request-authenticator.ts'
import type { Principal } from '../../../src/server/sessions/principal.ts'
import { createDerivedSessions } from '../../../src/server/sessions/derived-sessions.ts'
import { makeFields, makeFieldsV2 } from '../../support/server/upload-forms.ts'

const root = { accessKeyId: 'root-user', secretAccessKey: 'a-root-secret-of-some-length-000' }
const startMs = Date.parse('2026-11-23T16:33:27Z')
const signing: SignOptions = { region: 'us-east-1', service: 's3', nowMs: startMs }
const url = new URL('http://127.0.0.1:9000/bucket/key')

const clock = { nowMs: startMs }
const nowMs = (): number => clock.nowMs
const sessions = createDerivedSessions({ rootSecret: root.secretAccessKey, nowMs })
const authenticator = createRequestAuthenticator({ root, sessions, region: 'us-east-1', nowMs })

const issue = (subject = 'alice'): Promise<TemporaryCredentials> =>
  sessions.issue({
    subject,
    claims: { sub: subject },
    policyNames: ['readonly'],
    sessionPolicy: undefined,
    groups: [],
    expiresAtMs: startMs + 3_600_000,
  })

type Signed = SignedMessage | { readonly form: ReadonlyMap<string, string> }
type Sign<Result = Signed> = (credentials: Credentials, options?: Partial<SignOptions>) => Result

const signHeader: Sign<SignedMessage> = (credentials, options) => {
  const request = { method: 'GET', url, headers: {}, payloadHash: emptySha256 }
  const headers = signRequest(request, credentials, { ...signing, ...options })
  return {
    method: 'GET',
    rawPath: url.pathname,
    rawQuery: '',
    headers: new Map(Object.entries(headers)),
  }
}

const signQuery: Sign<SignedMessage> = (credentials, options) => {
  const presigned = presignUrl({ method: 'GET', url }, credentials, {
    ...signing,
    expiresSeconds: 86_400,
    ...options,
  })
  const headers = new Map([['host', url.host]])
  return { method: 'GET', rawPath: url.pathname, rawQuery: presigned.search.slice(1), headers }
}

const signForm: Sign = (signer, options) => {
  const fields = { key: 'key' }
  return { form: new Map(Object.entries(makeFields({ signer, fields, ...signing, ...options }))) }
}

async function identify(message: Signed, atMs = startMs): Promise<Principal | undefined> {
  clock.nowMs = atMs
  try {
    if ('form' in message) return (await authenticator.authenticateForm(message.form))?.principal
    return (await authenticator.authenticate(message, { service: 's3' })).principal
  } finally {
    clock.nowMs = startMs
  }
}

const refusal = (code: string, status = 403): unknown =>
  expect.objectContaining({ name: 'AwsError', code, status })

describe('an unsigned request', () => {
  it('an unsigned request has no principal', async () => {
    const message = { method: 'GET', rawPath: '/', rawQuery: 'a=b', headers: new Map() }
    expect(await identify(message)).toBeUndefined()
  })
})

describe.each<{ where: string; sign: Sign }>([
  { where: 'in its headers', sign: signHeader },
  { where: 'in its URL', sign: signQuery },
  { where: 'in its form fields', sign: signForm },
])('a request signed $where', ({ sign }) => {
  it('a request signed by root has the principal root', async () => {
    expect(await identify(sign(root))).toMatchObject({ kind: 'root', accessKey: 'root-user' })
  })

  it('a request signed by a session has its subject and its policies', async () => {
    const issued = await issue()
    expect(await identify(sign(issued))).toMatchObject({
      kind: 'session',
      accessKey: issued.accessKeyId,
      subject: 'alice',
      policyNames: ['readonly'],
      claims: { sub: 'alice' },
    })
  })

  it('a request without the session token is refused', async () => {
    const { accessKeyId, secretAccessKey } = await issue()
    await expect(identify(sign({ accessKeyId, secretAccessKey }))).rejects.toEqual(
      refusal('InvalidTokenId'),
    )
  })

  it('a request with the token of another session is refused', async () => {
    const [mine, other] = await Promise.all([issue('alice'), issue('root')])
    const mixed = { ...mine, sessionToken: other.sessionToken }
    await expect(identify(sign(mixed))).rejects.toEqual(refusal('InvalidTokenId'))
  })

  it('a request with a changed session token is refused', async () => {
    const issued = await issue()
    const mixed = { ...issued, sessionToken: `${issued.sessionToken.slice(0, -3)}AAA` }
    await expect(identify(sign(mixed))).rejects.toEqual(refusal('InvalidTokenId'))
  })

  it('a request with an expired session gets ExpiredToken, and no earlier', async () => {
    const message = sign(await issue(), { nowMs: startMs + 3_600_000 })
    await expect(identify(message, startMs + 3_600_000)).rejects.toEqual(
      refusal('ExpiredToken', 400),
    )
    expect(await identify(message, startMs + 3_599_000)).toMatchObject({ subject: 'alice' })
  })

  it('a request signed by root with a session token is refused', async () => {
    const { sessionToken } = await issue()
    await expect(identify(sign({ ...root, sessionToken }))).rejects.toEqual(
      refusal('InvalidTokenId'),
    )
  })

  it.each(['AKIAIOSFODNN7EXAMPLE', 'nobody', 'root-use'])(
    'a request with the unknown access key %s is refused, with and without a session token',
    async (accessKeyId) => {
      const { sessionToken } = await issue()
      const stranger = { accessKeyId, secretAccessKey: 'guess' }
      await expect(identify(sign(stranger))).rejects.toEqual(refusal('InvalidAccessKeyId'))
      await expect(identify(sign({ ...stranger, sessionToken }))).rejects.toEqual(
        refusal('InvalidAccessKeyId'),
      )
    },
  )

  it('a request signed by a revoked session is refused', async () => {
    const issued = await issue()
    await sessions.revoke({ accessKeyId: issued.accessKeyId })
    await expect(identify(sign(issued))).rejects.toEqual(refusal('InvalidAccessKeyId'))
  })

  it('a request signed with another secret is refused', async () => {
    await expect(identify(sign({ ...root, secretAccessKey: 'guess' }))).rejects.toEqual(
      refusal('SignatureDoesNotMatch'),
    )
    const issued = await issue()
    await expect(identify(sign({ ...issued, secretAccessKey: 'guess' }))).rejects.toEqual(
      refusal('SignatureDoesNotMatch'),
    )
  })

  it('a request signed for another region is refused as malformed', async () => {
    await expect(identify(sign(root, { region: 'eu-west-1' }))).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining("expecting 'us-east-1'") as unknown,
    })
  })

  it('a request signed for another service is refused as malformed', async () => {
    await expect(identify(sign(root, { service: 'sts' }))).rejects.toMatchObject({ status: 400 })
  })
})

describe('a form with signature version 2', () => {
  const sign = (signer: Credentials): Signed => {
    const fields = makeFieldsV2({ signer, nowMs: startMs, fields: { key: 'key' } })
    const named = Object.entries(fields).map(
      ([name, value]) => [name.toLowerCase(), value] as const,
    )
    return { form: new Map(named) }
  }

  it('a form with signature version 2 needs the session token, and the right one', async () => {
    const [issued, other] = await Promise.all([issue(), issue('bob')])
    const { accessKeyId, secretAccessKey } = issued
    expect(await identify(sign(issued))).toMatchObject({ kind: 'session', subject: 'alice' })
    for (const sessionToken of [undefined, other.sessionToken]) {
      const message = sign({ accessKeyId, secretAccessKey, sessionToken })
      await expect(identify(message)).rejects.toEqual(refusal('InvalidTokenId'))
    }
    const guessed = sign({ ...issued, secretAccessKey: 'guess' })
    await expect(identify(guessed)).rejects.toEqual(refusal('SignatureDoesNotMatch'))
  })
})

describe('the date of a request', () => {
  const quarterMs = 15 * 60_000

  it('the date in the headers may be 15 minutes off', async () => {
    expect(await identify(signHeader(root), startMs + quarterMs)).toMatchObject({ kind: 'root' })
    await expect(identify(signHeader(root), startMs + quarterMs + 1000)).rejects.toEqual(
      refusal('RequestTimeTooSkewed'),
    )
  })

  it('a presigned URL is valid until its expiry', async () => {
    expect(await identify(signQuery(root), startMs + 86_400_000)).toMatchObject({ kind: 'root' })
    await expect(identify(signQuery(root), startMs + 86_401_000)).rejects.toEqual(
      refusal('AccessDenied'),
    )
  })
})

describe('a request with two signatures', () => {
  it('a request with two signatures is refused, so that one key cannot use the rights of another', async () => {
    const { headers } = signHeader(await issue())
    const { rawQuery } = signQuery(root)
    const message = { method: 'GET', rawPath: url.pathname, rawQuery, headers }
    await expect(identify(message)).rejects.toEqual(refusal('InvalidRequest', 400))
  })
})

describe('a request to the STS', () => {
  const message = signHeader(root, { service: 'sts' })

  it('a request to the STS must match the signed hash of its body', async () => {
    const service = 'sts'
    expect(
      await authenticator.authenticate(message, { service, bodySha256: emptySha256 }),
    ).toMatchObject({ principal: { kind: 'root' } })
    await expect(
      authenticator.authenticate(message, { service, bodySha256: '0'.repeat(64) }),
    ).rejects.toEqual(refusal('SignatureDoesNotMatch'))
  })
})

describe('Signature Version 2 in the header', () => {
  const signV2 = (credentials: Credentials): SignedMessage => {
    const token = credentials.sessionToken
    const date = new Date(startMs).toUTCString()
    const amz = token === undefined ? '' : `x-amz-security-token:${token}\n`
    const text = `GET\n\n\n${date}\n${amz}/bucket/key`
    const signature = createHmac('sha1', credentials.secretAccessKey).update(text).digest('base64')
    const headers = new Map([['date', date]])
    headers.set('authorization', `AWS ${credentials.accessKeyId}:${signature}`)
    if (token !== undefined) headers.set('x-amz-security-token', token)
    return { method: 'GET', rawPath: '/bucket/key', rawQuery: '', headers }
  }
  const allowing = createRequestAuthenticator({
    root,
    sessions,
    region: 'us-east-1',
    nowMs,
    isSignatureV2Allowed: true,
  })

  it('Signature Version 2 is refused with the name of the flag that allows it, before the key is looked up', async () => {
    for (const credentials of [root, { ...root, accessKeyId: 'nobody' }])
      await expect(
        authenticator.authenticate(signV2(credentials), { service: 's3' }),
      ).rejects.toMatchObject({
        code: 'InvalidRequest',
        message: expect.stringContaining('--allow-signature-v2') as string,
        sentence:
          'The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.',
      })
  })

  it('where it is allowed, root and sessions sign with it, and the body is unsigned', async () => {
    const session = await issue()
    for (const credentials of [root, session]) {
      const found = await allowing.authenticate(signV2(credentials), { service: 's3' })
      expect(found).toMatchObject({ parsed: { payloadHash: 'UNSIGNED-PAYLOAD' } })
      expect(found.principal?.kind).toBe(credentials === root ? 'root' : 'session')
    }
    const { sessionToken: _, ...tokenless } = session
    for (const wrong of [tokenless, { ...root, secretAccessKey: 'another' }])
      await expect(allowing.authenticate(signV2(wrong), { service: 's3' })).rejects.toMatchObject({
        status: 403,
      })
  })

  it('the STS never accepts Signature Version 2', async () => {
    await expect(allowing.authenticate(signV2(root), { service: 'sts' })).rejects.toMatchObject({
      code: 'InvalidRequest',
    })
  })
})
