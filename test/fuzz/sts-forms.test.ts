import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { applyEdit, edit, fuzz, mostly } from './budget.ts'
import { expectSound, issueToken, openStack } from './stack.ts'

const actions = [
  'AssumeRoleWithClientGrants',
  'AssumeRoleWithWebIdentity',
  'AssumeRole',
  'AssumeRoleWithLDAPIdentity',
  'AssumeRoleWithCertificate',
  'AssumeRoleWithCustomToken',
  'GetCallerIdentity',
  'GetSessionToken',
  'GetFederationToken',
  'GetAccessKeyInfo',
  'DecodeAuthorizationMessage',
  'assumerole',
  '__proto__',
  'constructor',
  '',
]
const parameterNames = [
  'Action',
  'Version',
  'Token',
  'WebIdentityToken',
  'WebIdentityAccessToken',
  'DurationSeconds',
  'Policy',
  'PolicyArns.member.1.arn',
  'RoleArn',
  'RoleSessionName',
  'TokenRevokeType',
  'LDAPUsername',
  'LDAPPassword',
  'AccessKeyId',
  'EncodedMessage',
  'Name',
  'ProviderId',
  'hasOwnProperty',
  '',
]
const parameterValues = [
  'TOKEN',
  'TOKEN',
  'MUTATED',
  '2011-06-15',
  '900',
  '0',
  '-1',
  '1e9',
  '99999999999',
  'x',
  '{}',
  '[]',
  'null',
  '{"Version":"2012-10-17"}',
  'POLICY',
  'MUTATED-POLICY',
  'arn:minio:iam:::role/x',
  'a.b.c',
  '..',
  'eyJhbGciOiJub25lIn0.e30.',
  'eyJhbGciOiJIUzI1NiJ9.e30.AA',
  '\u0000',
  '*',
  '(uid=*)',
  'x'.repeat(20_000),
]
const policy =
  '{"Version":"2012-10-17","Statement":[{"Sid":"","Effect":"Allow","Action":["s3:GetObject"],"Resource":["arn:aws:s3:::a/${jwt:sub}/*"],"Condition":{"StringLike":{"aws:Referer":["*"]}}}]}'

const parameter = fc.tuple(
  mostly(parameterNames, fc.string({ maxLength: 6 })),
  mostly(parameterValues, fc.string({ maxLength: 20, unit: 'binary' })),
)
/** The parameter that contains the token of an action; most forms have one, unchanged or changed. */
const tokenNames: Readonly<Record<string, string>> = {
  AssumeRoleWithClientGrants: 'Token',
  AssumeRoleWithWebIdentity: 'WebIdentityToken',
  AssumeRoleWithCustomToken: 'Token',
}
const form = fc.record({
  action: mostly(
    ['AssumeRoleWithClientGrants', 'AssumeRoleWithWebIdentity'],
    fc.constantFrom(...actions),
  ),
  token: fc.constantFrom('TOKEN', 'MUTATED', 'MUTATED', ''),
  parameters: fc.array(parameter, { maxLength: 5 }),
  shape: fc.constantFrom('body', 'body', 'query', 'both', 'raw'),
  edits: fc.array(edit, { minLength: 1, maxLength: 2 }),
  contentType: mostly(
    ['application/x-www-form-urlencoded'],
    fc.constantFrom(
      'application/x-www-form-urlencoded; charset=utf-16',
      '',
      'text/plain',
      'multipart/form-data; boundary=x',
    ),
  ),
  signer: mostly<'none' | 'root' | 'session'>(['none', 'none'], fc.constantFrom('root', 'session')),
})
type Form = typeof form extends fc.Arbitrary<infer Value> ? Value : never

/** Returns the parameters, with real values in place of their placeholders. */
function fillIn(
  { action, parameters, edits, token: kind }: Form,
  token: string,
): [string, string][] {
  const real: Readonly<Record<string, string>> = {
    TOKEN: token,
    MUTATED: edits.reduce(applyEdit, token),
    POLICY: policy,
    'MUTATED-POLICY': edits.reduce(applyEdit, policy),
  }
  const common: [string, string][] = [
    ['Action', action],
    ['Version', '2011-06-15'],
  ]
  const tokenName = tokenNames[action]
  if (tokenName !== undefined && kind !== '') common.push([tokenName, real[kind] ?? ''])
  return [
    ...common,
    ...parameters.map(([name, value]): [string, string] => [name, real[value] ?? value]),
  ]
}

describe('STS forms', () => {
  it('any STS form gets an STS document, and credentials only for an unchanged token', async () => {
    const stack = await openStack()
    const token = await issueToken(stack.server)
    const [head, payload, signature = ''] = token.split('.')
    /** The last letter of Base64 has bits without meaning. */
    const isIssued = (text: string): boolean => {
      const [first, second, third = '', ...more] = text.split('.')
      const bytes = (one: string): Buffer => Buffer.from(one, 'base64url')
      return (
        more.length === 0 &&
        first === head &&
        second === payload &&
        bytes(third).equals(bytes(signature))
      )
    }
    await fuzz(0.12, form, async (asked) => {
      const parameters = fillIn(asked, token)
      const encoded = new URLSearchParams(parameters).toString()
      const { shape, edits, contentType, signer } = asked
      const body =
        shape === 'query' ? '' : shape === 'raw' ? edits.reduce(applyEdit, encoded) : encoded
      const query = shape === 'query' || shape === 'both' ? encoded.slice(0, 15_000) : ''
      const headers: [string, string][] = [['host', stack.host]]
      if (contentType !== '') headers.push(['content-type', contentType])
      const ask = { method: 'POST', path: '/', query, headers, body }
      const message = signer === 'none' ? ask : stack.sign(ask, stack[signer], 'sts')
      const answer = await stack.send(message)
      expectSound(answer, `${query}\n${body}`)
      if (answer.status !== 200 || signer !== 'none') return
      if (!answer.body.includes('<SecretAccessKey>')) return
      const sent = [...new URLSearchParams(query), ...new URLSearchParams(body)].map(
        ([, value]) => value,
      )
      // The server reads a token without the white space around it.
      expect(
        sent.some((value) => isIssued(value.trim())),
        `${query}\n${body}\ngot credentials`,
      ).toBe(true)
    })
    await stack.expectAlive()
  })
})
