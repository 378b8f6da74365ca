/** S3's own words for signatures that are wrong, which test suites compare. */
import { describe, expect, it } from 'vitest'
import { AwsError } from '../../../src/protocol/aws-error.ts'
import type { SignedMessage } from '../../../src/protocol/sigv4/canonical-request.ts'
import { parseSignature } from '../../../src/protocol/sigv4/parse-signature.ts'
import { presignUrl, signRequest } from '../../../src/protocol/sigv4/sign.ts'
import { verifySignature } from '../../../src/protocol/sigv4/verify-signature.ts'
import { describeS3Error } from '../../../src/protocol/s3-wire.ts'

const root = { accessKeyId: 'AKEY', secretAccessKey: 'a-secret-of-some-length' }
const nowMs = Date.parse('2026-11-23T16:33:27Z')
const signing = { region: 'us-east-1', service: 's3', nowMs } as const
const url = new URL('http://h/bucket/key')

/** Returns the message that a client sees for a request, and the code. */
function refuse(message: SignedMessage, options: Partial<typeof signing> = {}): string {
  try {
    const parsed = parseSignature(message)
    if (parsed === undefined) return 'not signed'
    verifySignature(parsed, message, root.secretAccessKey, { ...signing, ...options })
    return 'verified'
  } catch (error) {
    if (!(error instanceof AwsError)) throw error
    return `${error.code}: ${describeS3Error(error).message}`
  }
}

const credential = 'AKEY/20261123/us-east-1/s3/aws4_request'

describe('an Authorization header', () => {
  const headers = signRequest({ method: 'GET', url, headers: {}, payloadHash: '' }, root, signing)
  const authorization = headers['authorization'] ?? ''
  const send = (name: string, value: string, options?: object): string => {
    const given = new Map(Object.entries(headers)).set(name, value)
    return refuse({ method: 'GET', rawPath: url.pathname, rawQuery: '', headers: given }, options)
  }
  const malformed = 'AuthorizationHeaderMalformed: The authorization header is malformed; '

  it.each([
    ['invalid', 'InvalidArgument: Authorization header is invalid -- one and only one'],
    ['Basic cm9vdA==', 'InvalidArgument: Unsupported Authorization Type'],
    ['AWS AKEY:sig', 'InvalidRequest: The authorization mechanism you have provided is not supp'],
    [
      authorization.replace(/, Signature=.*/, ''),
      `${malformed}the authorization header requires three components: Credential, SignedHea`,
    ],
    [authorization.replace('Credential', 'Key'), `${malformed}missing Credential.`],
    [authorization.replace('SignedHeaders', 'Headers'), `${malformed}missing SignedHeaders.`],
    [authorization.replace('Signature=', 'Sig='), `${malformed}missing Signature.`],
    [authorization.replace(credential, 'AKEY'), `${malformed}the Credential is mal-formed; expec`],
    [
      authorization.replace('/20261123/', '/2026/'),
      `${malformed}incorrect date format "2026". This date in the credential must be in the form`,
    ],
    [
      authorization.replace('aws4_request', 'aws5'),
      `${malformed}incorrect terminal "aws5". This endpoint uses "aws4_request".`,
    ],
    [
      authorization.replace('/s3/', '/ec2/'),
      `${malformed}incorrect service "ec2". This endpoint belongs to "s3".`,
    ],
    [
      authorization.replace('/20261123/', '/20261122/'),
      `${malformed}Invalid credential date. Date is not the same as X-Amz-Date.`,
    ],
  ])('%s is answered by %s', (value, said) => {
    expect(send('authorization', value).startsWith(said)).toBe(true)
  })

  it('for another region is answered by the two regions', () => {
    const said = send('authorization', authorization, { region: 'eu-west-1' })
    expect(said).toBe(`${malformed}the region 'us-east-1' is wrong; expecting 'eu-west-1'`)
  })

  it.each(['', 'yesterday', '20261123T163327'])('with the date "%s" has no valid date', (date) => {
    const said = 'AccessDenied: AWS authentication requires a valid Date or x-amz-date header'
    expect(send('x-amz-date', date)).toBe(said)
  })
})

describe('a presigned URL', () => {
  const signed = presignUrl({ method: 'GET', url }, root, { ...signing, expiresSeconds: 60 })
  const send = (from: string | RegExp, to: string, options?: object): string => {
    const rawQuery = signed.search.slice(1).replace(from, to)
    const headers = new Map([['host', 'h']])
    return refuse({ method: 'GET', rawPath: url.pathname, rawQuery, headers }, options)
  }
  const code = 'AuthorizationQueryParametersError: '

  it.each<[string | RegExp, string, string]>([
    [
      /X-Amz-Expires=60&/,
      '',
      'Query-string authentication version 4 requires the X-Amz-Algorithm,',
    ],
    ['HMAC-SHA256', 'HMAC-MD5', 'X-Amz-Algorithm only supports "AWS4-HMAC-SHA256'],
    ['Expires=60', 'Expires=a', 'X-Amz-Expires should be a number'],
    ['Expires=60', 'Expires=-1', 'X-Amz-Expires must be non-negative'],
    [
      'Expires=60',
      'Expires=604801',
      'X-Amz-Expires must be less than a week (in seconds); that is',
    ],
    ['Expires=60', `Expires=${'9'.repeat(20)}`, 'X-Amz-Expires must be less than a week'],
    [/Date=\w+/, 'Date=today', "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss"],
    ['%2Fs3%2F', '%2Fec2%2F', 'Error parsing the X-Amz-Credential parameter; incorrect service'],
    ['%2F20261123', '%2F20261122', 'Invalid credential date "20261122". This date is not the same'],
  ])('with %s → %s is answered by %s', (from, to, said) => {
    expect(send(from, to).startsWith(code + said)).toBe(true)
  })

  it('that has expired, or is not valid yet, says so', () => {
    expect(send('', '', { nowMs: nowMs + 61_000 })).toBe('AccessDenied: Request has expired')
    expect(send('', '', { nowMs: nowMs - 1_000_000 })).toBe(
      'AccessDenied: Request is not valid yet',
    )
  })
})
