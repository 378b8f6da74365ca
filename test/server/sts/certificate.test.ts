import { request as sendRequest } from 'node:https'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AwsError } from '../../../src/protocol/aws-error.ts'
import type { TemporaryCredentials } from '../../../src/protocol/credentials.ts'
import { decodeStsAnswer } from '../../../src/protocol/sts-wire.ts'
import type { HttpHandler, HttpOutcome } from '../../../src/server/http/http-message.ts'
import { listen, type Listener } from '../../../src/server/http/listener.ts'
import { silentLog } from '../../../src/base/log.ts'
import {
  makeCertificate,
  type Certificate,
} from '../../../src/server/http/self-signed-certificate.ts'
import { makePair, type Pair } from '../../support/server/certificates.ts'
import { openSts, version, type StsHarness } from '../../support/server/sts-harness.ts'

const action = 'AssumeRoleWithCertificate'

let authority: Pair
let server: Certificate
let listener: Listener
let sts: StsHarness
const outcomes: HttpOutcome[] = []

beforeAll(async () => {
  authority = await makePair('our authority', { isAuthority: true })
  server = await makeCertificate(Date.now())
  // The certificates are from today, so the clock of the server must be today's too.
  sts = openSts({ isCertificateAccepted: true, nowMs: () => Date.now() })
  listener = await start(async (request) => {
    const outcome = await sts.handler(request)
    outcomes.push(outcome)
    return outcome
  })
})
afterAll(() => listener.close(0))

function start(handler: HttpHandler): Promise<Listener> {
  const tls = { cert: server.cert, key: server.key, clientCa: authority.cert }
  const options = { host: '127.0.0.1', port: 0, log: silentLog, isAccessLogged: false }
  return listen(handler, { ...options, tls, nowMs: () => Date.now() })
}

/** Sends by HTTPS, with a client certificate or without. */
async function ask(
  shown: Partial<Pair>,
  parameters: Readonly<Record<string, string>> = {},
): Promise<string> {
  const query = new URLSearchParams({ Action: action, Version: version, ...parameters })
  const options = { method: 'POST', ca: server.cert, agent: false as const, ...shown }
  const url = new URL(`/?${query.toString()}`, listener.url)
  return new Promise((resolve, reject) => {
    const request = sendRequest(url, options, (response) => {
      text(response).then(resolve, reject)
    })
    request.on('error', reject)
    request.end()
  })
}

async function obtain(
  shown: Partial<Pair>,
  parameters?: Readonly<Record<string, string>>,
): Promise<TemporaryCredentials> {
  const { credentials } = decodeStsAnswer(action, 200, await ask(shown, parameters))
  if (credentials === undefined) throw new Error('no credentials')
  return credentials
}

async function refusal(shown: Partial<Pair>): Promise<{ code: string; message: string }> {
  try {
    decodeStsAnswer(action, 400, await ask(shown))
  } catch (error) {
    if (error instanceof AwsError) return { code: error.code, message: error.message }
    throw error
  }
  throw new Error('not refused')
}

const secondsLeft = ({ expiration }: TemporaryCredentials): number =>
  (expiration.getTime() - Date.now()) / 1000

describe('AssumeRoleWithCertificate', () => {
  it('AssumeRoleWithCertificate grants the policy with the name in the common name', async () => {
    const names = [['organizationName', 'Example']] as const
    const shown = await makePair('readonly', { ca: authority, names })
    expect(await sts.inspect(await obtain(shown))).toMatchObject({
      kind: 'session',
      subject: 'tls:readonly',
      policyNames: ['readonly'],
      claims: { sub: 'readonly', iss: 'our authority', aud: ['Example'], parent: 'tls:readonly' },
    })
  })

  it('the facts of AssumeRoleWithCertificate name the proven caller, also one without a policy', async () => {
    await refusal(await makePair('nobody', { ca: authority }))
    expect(outcomes.at(-1)?.facts).toMatchObject({
      operation: action,
      caller: { kind: 'certificate', subject: 'tls:nobody', issuer: 'our authority' },
      refusal: { code: 'InvalidParameterValue' },
    })
  })

  it('AssumeRoleWithCertificate answers with MinIO’s document, which does not name the subject', async () => {
    const document = await ask(await makePair('readonly', { ca: authority }))
    expect(document).toContain(`<${action}Result><Credentials><AccessKeyId>`)
    expect(document).toContain(`</Credentials></${action}Result><ResponseMetadata><RequestId>`)
  })

  it('AssumeRoleWithCertificate grants the requested duration, but not beyond the certificate', async () => {
    const shown = await makePair('readonly', { ca: authority, to: 1800 })
    expect(secondsLeft(await obtain(shown))).toBeLessThanOrEqual(1800)
    expect(secondsLeft(await obtain(shown))).toBeGreaterThan(1700)
    expect(secondsLeft(await obtain(shown, { DurationSeconds: '900' }))).toBeLessThanOrEqual(900)
  })

  it('AssumeRoleWithCertificate accepts a session policy', async () => {
    const Policy = '{"Version":"2012-10-17","Statement":[]}'
    const shown = await makePair('readonly', { ca: authority })
    const principal = await sts.inspect(await obtain(shown, { Policy }))
    expect(principal).toMatchObject({ sessionPolicy: Policy })
  })

  it('AssumeRoleWithCertificate accepts a chain with an intermediate CA', async () => {
    const between = await makePair('between', { ca: authority, isAuthority: true })
    const leaf = await makePair('readonly', { ca: between })
    const shown = { key: leaf.key, cert: `${leaf.cert}\n${between.cert}` }
    expect(await sts.inspect(await obtain(shown))).toMatchObject({ subject: 'tls:readonly' })
  })

  it('AssumeRoleWithCertificate uses the first certificate in the chain, whose key the client proved', async () => {
    const mine = await makePair('readonly', { ca: authority })
    const other = await makePair('consoleAdmin', { ca: authority })
    const shown = { key: mine.key, cert: `${mine.cert}\n${other.cert}` }
    expect(await sts.inspect(await obtain(shown))).toMatchObject({ subject: 'tls:readonly' })
  })
})

describe('refused client certificates', () => {
  const cases: [string, () => Promise<Partial<Pair>>, string, RegExp][] = [
    ['none', async () => ({}), 'MissingParameter', /showed no certificate/],
    [
      'of another CA',
      async () =>
        makePair('readonly', { ca: await makePair('our authority', { isAuthority: true }) }),
      'InvalidClientCertificate',
      /is refused: /,
    ],
    ['self-signed', () => makePair('readonly'), 'InvalidClientCertificate', /is refused: /],
    [
      'expired',
      () => makePair('readonly', { ca: authority, to: -60 }),
      'InvalidClientCertificate',
      /CERT_HAS_EXPIRED/,
    ],
    [
      'not yet valid',
      () => makePair('readonly', { ca: authority, from: 3000 }),
      'InvalidClientCertificate',
      /CERT_NOT_YET_VALID/,
    ],
    [
      'of a server',
      () => makePair('readonly', { ca: authority, purposes: { serverAuth: true } }),
      'InvalidClientCertificate',
      /INVALID_PURPOSE/,
    ],
    [
      'without a purpose',
      () => makePair('readonly', { ca: authority, purposes: {} }),
      'InvalidClientCertificate',
      /lacks clientAuth/,
    ],
    [
      'of a CA',
      () => makePair('readonly', { ca: authority, isAuthority: true }),
      'MissingParameter',
      /an authority’s/,
    ],
    [
      'without a common name',
      () => makePair('', { ca: authority, names: [['organizationName', 'readonly']] }),
      'MissingParameter',
      /no common name/,
    ],
    [
      'with two common names',
      () => makePair('readonly', { ca: authority, names: [['commonName', 'consoleAdmin']] }),
      'MissingParameter',
      /or several/,
    ],
    [
      'for an unknown policy',
      () => makePair('ReadOnly', { ca: authority }),
      'InvalidParameterValue',
      /names no policy that exists here: ReadOnly$/,
    ],
  ]

  it.each(cases)('a client certificate is refused: %s', async (_what, make, code, message) => {
    const refused = await refusal(await make())
    expect(refused.code).toBe(code)
    expect(refused.message).toMatch(message)
  })

  it('a client certificate is refused with more than ten intermediate CAs', async () => {
    let ca = authority
    const sent: Pair[] = []
    for (let depth = 0; depth < 11; depth += 1) {
      ca = await makePair(`authority ${depth}`, { ca, isAuthority: true })
      sent.unshift(ca)
    }
    const leaf = await makePair('readonly', { ca })
    const shown = { key: leaf.key, cert: [leaf, ...sent].map(({ cert }) => cert).join('\n') }
    expect(await refusal(shown)).toMatchObject({ code: 'TooManyIntermediateCAs' })
  })

  it('the server checks the expiry by its own clock, whatever TLS found when the connection began', async () => {
    const resumed = openSts({ isCertificateAccepted: true, nowMs: () => Date.now() + 7_200_000 })
    const later = await start(resumed.handler)
    try {
      const shown = await makePair('readonly', { ca: authority })
      const earlier = listener
      listener = later
      const refused = await refusal(shown).finally(() => (listener = earlier))
      expect(refused).toEqual({
        code: 'InvalidClientCertificate',
        message: 'the client certificate has expired',
      })
    } finally {
      await later.close(0)
    }
  })
})

describe('client certificates', () => {
  it('AssumeRoleWithCertificate is refused if no CA for client certificates is configured', async () => {
    const answer = await openSts().send({ query: { Action: action, Version: version } })
    expect(answer).toMatchObject({ status: 503, code: 'STSNotInitialized' })
  })

  it('AssumeRoleWithCertificate is refused over HTTP', async () => {
    const plain = openSts({ isCertificateAccepted: true })
    const answer = await plain.send({ query: { Action: action, Version: version } })
    expect(answer).toMatchObject({ status: 400, code: 'InsecureConnection' })
  })

  it('other actions ignore an untrusted client certificate', async () => {
    const stranger = await makePair('readonly')
    const document = await ask(stranger, { Action: 'AssumeRoleWithClientGrants' })
    expect(document).toContain('<Code>MissingParameter</Code>')
  })
})
