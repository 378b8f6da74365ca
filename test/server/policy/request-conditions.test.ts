import { describe, expect, it } from 'vitest'
import { buildConditions } from '../../../src/server/policy/request-conditions.ts'
import { root, session, listWords } from '../../support/server/policy-requests.ts'
import { parseQuery } from '../../../src/protocol/query.ts'

const receivedAtMs = Date.parse('2026-11-23T16:33:27.595Z')

interface Sent {
  readonly rawQuery?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly remoteAddress?: string
  readonly isTls?: boolean
}

function conditionsOf(sent: Sent = {}, principal = session): Readonly<Record<string, unknown>> {
  const request = {
    query: parseQuery(sent.rawQuery ?? ''),
    remoteAddress: '127.0.0.1',
    isTls: false,
    receivedAtMs,
    ...sent,
    headers: new Map(Object.entries(sent.headers ?? {})),
  }
  return Object.fromEntries(buildConditions(request, { principal }))
}

const facts = {
  SourceIp: ['127.0.0.1'],
  SecureTransport: ['false'],
  UserAgent: [''],
  Referer: [''],
  CurrentTime: ['2026-11-23T16:33:27Z'],
  EpochTime: ['1795451607'],
  signatureversion: ['AWS4-HMAC-SHA256'],
  authType: ['REST-QUERY-STRING'],
  principaltype: ['AssumedRole'],
  userid: ['ABCDEFGHIJ0123456789'],
  username: ['alice'],
  versionid: [''],
}

describe('the condition values of a request', () => {
  it('the condition values come from the server, and are empty if the request lacks them', () => {
    expect(conditionsOf()).toEqual(facts)
  })

  it('the condition values describe the caller, its address and its authentication', () => {
    const headers = {
      authorization: 'AWS4-HMAC-SHA256 x',
      'user-agent': 'mc',
      referer: 'http://x/',
    }
    expect(
      conditionsOf({ headers, remoteAddress: '::ffff:10.0.0.7', isTls: true }, root),
    ).toMatchObject({
      SourceIp: ['10.0.0.7'],
      SecureTransport: ['true'],
      UserAgent: ['mc'],
      Referer: ['http://x/'],
      authType: ['REST-HEADER'],
      principaltype: ['Account'],
      userid: ['minio'],
      username: ['minio'],
    })
    expect(conditionsOf({ rawQuery: 'AWSAccessKeyId=x&Signature=y' })).toMatchObject({
      signatureversion: ['AWS'],
    })
    expect(conditionsOf({ rawQuery: 'versionId=7' })).toMatchObject({ versionid: ['7'] })
  })

  it('conditions name headers as Go spells them, and parameters as they were sent', () => {
    const headers = { 'content-length': '12', 'x-amz-content-sha256': 'abc' }
    const rawQuery = 'list-type=2&prefix=a%20b+c&location'
    expect(conditionsOf({ headers, rawQuery })).toEqual({
      ...facts,
      'Content-Length': ['12'],
      'X-Amz-Content-Sha256': ['abc'],
      'list-type': ['2'],
      prefix: ['a b c'],
      location: [''],
    })
  })

  it('a client cannot set the values of the server by header or parameter', () => {
    const names = Object.keys(facts)
    const rawQuery = names.map((name) => `${name}=forged`).join('&')
    const headers = Object.fromEntries(names.map((name) => [name.toLowerCase(), 'forged']))
    const { UserAgent: _agent, Referer: _referer, ...own } = facts
    expect(conditionsOf({ rawQuery })).toEqual(facts)
    expect(conditionsOf({ headers })).toMatchObject(own)
  })
})

describe('secrets in a request', () => {
  it.each(
    listWords(`authorization proxy-authorization x-forwarded-authorization cookie set-cookie
    x-amz-security-token x-auth-token x-api-key x-amz-meta-password
    x-amz-server-side-encryption-customer-key
    x-amz-copy-source-server-side-encryption-customer-key`),
  )('the secret in the header %s is not in any condition', (name) => {
    expect(JSON.stringify(conditionsOf({ headers: { [name]: 'hunter2' } }))).not.toContain(
      'hunter2',
    )
  })

  it.each(
    listWords(`X-Amz-Signature X-Amz-Credential X-Amz-Security-Token x-amz-security-token Signature
    AWSAccessKeyId Token token WebIdentityToken LDAPPassword access_token client_secret
    X%2DAmz%2DSignature`),
  )('the secret in the parameter %s is not in any condition', (name) => {
    expect(JSON.stringify(conditionsOf({ rawQuery: `${name}=hunter2` }))).not.toContain('hunter2')
  })

  it('the query of a Referer is removed if it contains a secret', () => {
    const headers = { referer: 'http://x/bucket/key?X-Amz-Signature=hunter2' }
    expect(conditionsOf({ headers })).toMatchObject({ Referer: ['http://x/bucket/key'] })
    expect(conditionsOf({ headers: { referer: 'http://x/?page=2' } })).toMatchObject({
      Referer: ['http://x/?page=2'],
    })
  })

  it('a continuation token and the MD5 of an encryption key are not secrets', () => {
    const headers = { 'x-amz-server-side-encryption-customer-key-md5': 'abc' }
    expect(conditionsOf({ headers, rawQuery: 'continuation-token=abc' })).toMatchObject({
      'X-Amz-Server-Side-Encryption-Customer-Key-Md5': ['abc'],
      'continuation-token': ['abc'],
    })
  })
})

describe('the conditions about the written object', () => {
  const received = Date.parse('2026-11-23T16:33:27Z')
  const build = (
    headers: Record<string, string>,
    rawQuery = '',
  ): ReadonlyMap<string, readonly string[]> =>
    buildConditions(
      {
        headers: new Map(Object.entries(headers)),
        query: parseQuery(rawQuery),
        remoteAddress: '127.0.0.1',
        isTls: false,
        receivedAtMs: received,
      },
      { principal: session },
    )

  it('the tags and the object lock in headers have MinIO’s names', () => {
    const conditions = build({
      'x-amz-tagging': 'team=a&cost=1%202',
      'x-amz-object-lock-mode': 'COMPLIANCE',
      'x-amz-object-lock-retain-until-date': '2026-11-25T16:33:27Z',
      'x-amz-object-lock-legal-hold': 'ON',
    })
    expect(Object.fromEntries(conditions)).toMatchObject({
      'RequestObjectTag/team': ['a'],
      'RequestObjectTag/cost': ['1 2'],
      RequestObjectTagKeys: ['team', 'cost'],
      'Object-Lock-Mode': ['COMPLIANCE'],
      'Object-Lock-Legal-Hold': ['ON'],
      'object-lock-remaining-retention-days': ['2'],
    })
  })

  it('the age of a presigned URL is in milliseconds, and other requests have none', () => {
    const url = 'X-Amz-Signature=0&X-Amz-Date=20261123T163320Z'
    expect(build({}, url).get('signatureAge')).toEqual(['7000'])
    expect(build({ authorization: 'x' }, url).has('signatureAge')).toBe(false)
    expect(build({}, 'AWSAccessKeyId=x').has('signatureAge')).toBe(false)
  })

  it('no header and no parameter takes the place of a condition that the server sets', () => {
    const names = [
      'signatureAge',
      'Object-Lock-Mode',
      'object-lock-remaining-retention-days',
      'RequestObjectTagKeys',
      'RequestObjectTag/a',
      'ExistingObjectTag/a',
      'DurationSeconds',
    ]
    for (const name of names) {
      const conditions = build({ [name.toLowerCase()]: 'x' }, `${encodeURIComponent(name)}=x`)
      const found = [...conditions].filter(([, values]) => values.includes('x'))
      expect(found).toEqual([])
    }
  })
})
