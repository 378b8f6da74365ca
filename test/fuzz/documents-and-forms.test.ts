import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseXml } from '../../src/protocol/xml.ts'
import { applyEdit, byteText, edit, fuzz, mostly } from './budget.ts'
import { issueToken, openStack, type Stack } from './stack.ts'
import type { WireAnswer } from './wire.ts'

/** Not an internal error, and XML that can be read where there is any. */
function expectSound(answer: WireAnswer, sent: string): void {
  expect([0, 500], `${sent}\nwas answered ${answer.status} ${answer.body}`).not.toContain(
    answer.status,
  )
  expect(answer.body).not.toContain('InternalError')
  if (answer.body.trimStart().startsWith('<'))
    expect(
      () => parseXml(answer.body, { maxBytes: 10 ** 7, maxDepth: 20 }),
      `${sent}`,
    ).not.toThrow()
}

const words = [
  'key',
  'other',
  'a',
  '1',
  '0',
  '-1',
  '99999999999999999999',
  'true',
  'Enabled',
  'GOVERNANCE',
  'us-east-1',
  '2030-01-01T00:00:00Z',
  '"d41d8cd98f00b204e9800998ecf8427e"',
  '&amp;',
  '&lt;',
  '&#x41;',
  '&#1;',
  '&#xFFFE;',
  '&#x110000;',
  '&nope;',
  '&',
  ']]>',
  '<![CDATA[<Key>&amp;]]>',
  '<!-- <Key>x</Key> -->',
  '<?pi x?>',
  '\u0000',
  '\u0001',
  '\u00ff\u00fe',
  '\u00ef\u00bf\u00be',
  '',
]
const names = [
  'Delete',
  'Object',
  'Key',
  'VersionId',
  'ETag',
  'Quiet',
  'Tagging',
  'TagSet',
  'Tag',
  'Value',
  'CompleteMultipartUpload',
  'Part',
  'PartNumber',
  'ChecksumCRC32',
  'CreateBucketConfiguration',
  'LocationConstraint',
  'VersioningConfiguration',
  'Status',
  'Rule',
  'ID',
  'AccessControlPolicy',
  'Grant',
  'Retention',
  'Mode',
  '__proto__',
  'constructor',
  's3:Key',
  'x:y:z',
  '#text',
  ':@',
  '',
]

interface Element {
  readonly name: string
  readonly attributes: string
  readonly inside: readonly (Element | string)[]
}

const { element } = fc.letrec<{ element: Element }>((tie) => ({
  element: fc.record({
    name: mostly(names, byteText(5)),
    attributes: mostly(
      ['', '', ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"', ' a="1" a="2"', ' a', " a='<'"],
      byteText(8),
    ),
    inside: fc.array(fc.oneof({ depthSize: 'small' }, mostly(words, byteText(6)), tie('element')), {
      maxLength: 4,
    }),
  }),
}))

function write(node: Element | string): string {
  if (typeof node === 'string') return node
  const { name, attributes, inside } = node
  return `<${name}${attributes}>${inside.map(write).join('')}</${name}>`
}

/** Documents that operations take. */
const sound = [
  '<Delete><Object><Key>other</Key></Object><Object><Key>a&amp;b</Key></Object><Quiet>false</Quiet></Delete>',
  '<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tagging>',
  '<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>"d41d8cd98f00b204e9800998ecf8427e"</ETag></Part></CompleteMultipartUpload>',
  '<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LocationConstraint>us-east-1</LocationConstraint></CreateBucketConfiguration>',
  '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>',
  '<LegalHold><Status>ON</Status></LegalHold>',
  '<Retention><Mode>GOVERNANCE</Mode><RetainUntilDate>2030-01-01T00:00:00Z</RetainUntilDate></Retention>',
  '<CORSConfiguration><CORSRule><AllowedMethod>GET</AllowedMethod><AllowedOrigin>*</AllowedOrigin></CORSRule></CORSConfiguration>',
]
const prologues = [
  '',
  '',
  '<?xml version="1.0" encoding="UTF-8"?>',
  '<?xml version="1.1"?>',
  '\u00ef\u00bb\u00bf',
  '\u00ff\u00fe',
  '<!DOCTYPE a [<!ENTITY b "c">]>',
  ' \n',
  '<a/>',
]
const document = fc.oneof(
  fc
    .tuple(fc.constantFrom(...prologues), element)
    .map(([prologue, root]) => prologue + write(root)),
  fc
    .tuple(
      fc.constantFrom(...prologues),
      fc.constantFrom(...sound),
      fc.array(edit, { maxLength: 3 }),
    )
    .map(([prologue, text, edits]) => prologue + edits.reduce(applyEdit, text)),
  fc
    .tuple(
      fc.constantFrom('<a>', '<Delete>', '<a b="', '<![CDATA[', '<!--', '&amp;', '<Key/>'),
      fc.integer({ min: 1, max: 3000 }),
    )
    .map(([piece, count]) => piece.repeat(count)),
  byteText(60),
)
const operation = fc.constantFrom(
  ['POST', '/bucket', 'delete='],
  ['PUT', '/bucket/other', 'tagging='],
  ['POST', '/bucket/other', 'uploadId=UPLOAD'],
  ['PUT', '/made-by-fuzz', ''],
  ...[
    'versioning',
    'acl',
    'cors',
    'lifecycle',
    'policy',
    'tagging',
    'encryption',
    'object-lock',
    'ownershipControls',
    'publicAccessBlock',
    'notification',
    'website',
    'replication',
  ].map((name) => ['PUT', '/bucket', `${name}=`] as const),
  ...['acl', 'retention', 'legal-hold'].map(
    (name) => ['PUT', '/bucket/other', `${name}=`] as const,
  ),
  ['POST', '/bucket/other', 'restore='],
  ['POST', '/bucket/other', 'select=&select-type=2'],
) as fc.Arbitrary<readonly [string, string, string]>

async function openUpload({ send, sign }: Stack): Promise<string> {
  const answer = await send(sign({ method: 'POST', path: '/bucket/other', query: 'uploads=' }))
  const uploadId = /<UploadId>([^<]+)/.exec(answer.body)?.[1] ?? ''
  expect(uploadId).not.toBe('')
  return encodeURIComponent(uploadId)
}

describe('a document in a signed request', () => {
  it('is taken or refused, whatever it holds', async () => {
    const stack = await openStack()
    const uploadId = await openUpload(stack)
    const input = fc.tuple(operation, document, fc.boolean(), fc.boolean())
    await fuzz(0.12, input, async ([[method, path, query], body, isSession, hasDigest]) => {
      // the one object that is looked at in the end must not be deleted by chance
      fc.pre(!/>\s*key\s*</.test(body))
      const digest = createHash('md5').update(body, 'latin1').digest('base64')
      const headers: [string, string][] = hasDigest ? [['content-md5', digest]] : []
      const ask = { method, path, query: query.replace('UPLOAD', uploadId), headers, body }
      const answer = await stack.send(stack.sign(ask, isSession ? stack.session : stack.root))
      expectSound(answer, `${method} ${path}?${query}\n${body}`)
    })
    await stack.expectAlive()
  })
})

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
/** The parameter that an action's token is in; most forms have one, whole or changed. */
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

/** The parameters, with real values in place of their names. */
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

describe('a form to the STS', () => {
  it('is answered with an STS document, and with credentials only for a token as it was issued', async () => {
    const stack = await openStack()
    const token = await issueToken(stack.server)
    const [head, payload, signature = ''] = token.split('.')
    /** The last letter of Base64 has bits that say nothing. */
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
      expect(sent.some(isIssued), `${query}\n${body}\ngot credentials`).toBe(true)
    })
    await stack.expectAlive()
  })
})
