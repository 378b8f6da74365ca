import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  openHarness,
  root,
  md5,
  startMs,
  texts,
  type Answer,
  type Ask,
  type Harness,
} from '../../../support/server/s3-harness.ts'
import { encodeForm, makeFields } from '../../../support/server/upload-forms.ts'

let s3: Harness
const dayMs = 24 * 60 * 60 * 1000
const at = (ms: number): string => new Date(ms).toISOString()
const later = at(startMs + 10 * dayMs)
const latest = at(startMs + 20 * dayMs)
const enable = { 'x-amz-bucket-object-lock-enabled': 'true' }
const bypass = { 'x-amz-bypass-governance-retention': 'true' }
const sentence = 'Access Denied because object protected by object lock.'

beforeEach(async () => {
  s3 = await openHarness()
  await s3.send('PUT', '/plain')
  await s3.send('PUT', '/locked', { headers: enable })
  s3.asked.length = 0
})
afterEach(() => s3.close())

function digest(body: string): Record<string, string> {
  return { 'content-md5': Buffer.from(md5(body), 'hex').toString('base64') }
}

/** Sends a PUT with the digest that locks need. */
function put(target: string, body: string, headers: Record<string, string> = {}): Promise<Answer> {
  return s3.send('PUT', target, { body, headers: { ...digest(body), ...headers } })
}

const version = ({ headers }: Answer): string => headers['x-amz-version-id'] ?? ''
const retention = (mode: string, until: string): string =>
  `<Retention><Mode>${mode}</Mode><RetainUntilDate>${until}</RetainUntilDate></Retention>`
const hold = (status: string): string => `<LegalHold><Status>${status}</Status></LegalHold>`
const lockBy = (mode: string, until: string): Record<string, string> => ({
  'x-amz-object-lock-mode': mode,
  'x-amz-object-lock-retain-until-date': until,
})
const configuration = (rule = ''): string =>
  `<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled>${rule}</ObjectLockConfiguration>`
const byDefault = (text: string): string =>
  configuration(`<Rule><DefaultRetention>${text}</DefaultRetention></Rule>`)
const setVersioning = (bucket: string, status: string): Promise<Answer> =>
  s3.send('PUT', `/${bucket}?versioning`, {
    body: `<VersioningConfiguration><Status>${status}</Status></VersioningConfiguration>`,
  })

describe('the lock of a bucket', () => {
  it('a bucket that is created with a lock has versioning, which cannot be suspended', async () => {
    expect((await s3.send('GET', '/locked?versioning')).text).toContain('<Status>Enabled</Status>')
    expect((await s3.send('GET', '/locked?object-lock')).text).toContain(
      '<ObjectLockEnabled>Enabled</ObjectLockEnabled>',
    )
    expect(await setVersioning('locked', 'Suspended')).toMatchObject({
      status: 409,
      code: 'InvalidBucketState',
    })
    expect((await setVersioning('locked', 'Enabled')).status).toBe(200)
  })

  it('a lock is enabled later only with versioning, and then has no end', async () => {
    expect(await s3.send('GET', '/plain?object-lock')).toMatchObject({
      status: 404,
      code: 'ObjectLockConfigurationNotFoundError',
    })
    const refused = await put('/plain?object-lock', configuration())
    expect(refused).toMatchObject({ status: 409, code: 'InvalidBucketState' })
    await setVersioning('plain', 'Enabled')
    const rule = '<Mode>COMPLIANCE</Mode><Years>1</Years>'
    expect((await put('/plain?object-lock', byDefault(rule))).status).toBe(200)
    expect((await s3.send('GET', '/plain?object-lock')).text).toContain(rule)
    expect((await setVersioning('plain', 'Suspended')).code).toBe('InvalidBucketState')
    expect((await put('/plain?object-lock', configuration())).status).toBe(200)
    expect((await s3.send('GET', '/plain?object-lock')).text).not.toContain('Rule')
  })

  it('a configuration without a digest, or of a bucket that does not exist, is refused', async () => {
    const bare = await s3.send('PUT', '/locked?object-lock', { body: configuration() })
    expect(bare).toMatchObject({ status: 400, code: 'InvalidRequest' })
    expect((await put('/nothing-here?object-lock', configuration())).code).toBe('NoSuchBucket')
    expect((await s3.send('GET', '/nothing-here?object-lock')).code).toBe('NoSuchBucket')
  })
})

describe('the lock of a new version', () => {
  it.each<[string, (key: string, headers: Record<string, string>) => Promise<Answer>]>([
    ['PutObject', (key, headers) => put(key, 'x', headers)],
    [
      'CopyObject',
      (key, headers) =>
        s3.send('PUT', key, { headers: { ...headers, 'x-amz-copy-source': 'plain/source' } }),
    ],
    ['a multipart upload', (key, headers) => upload(key, headers)],
  ])('%s takes it from its headers, else from the default of the bucket', async (_, write) => {
    await s3.send('PUT', '/plain/source', { body: 'x' })
    const first = await write('/locked/a', {
      ...lockBy('COMPLIANCE', later),
      'x-amz-object-lock-legal-hold': 'ON',
    })
    expect(first.status).toBe(200)
    expect((await s3.send('HEAD', `/locked/a?versionId=${version(first)}`)).headers).toMatchObject({
      ...lockBy('COMPLIANCE', later),
      'x-amz-object-lock-legal-hold': 'ON',
    })
    await write('/locked/a', {})
    const bare = await s3.send('HEAD', '/locked/a')
    expect(bare.headers).not.toHaveProperty('x-amz-object-lock-mode')
    await put('/locked?object-lock', byDefault('<Mode>GOVERNANCE</Mode><Days>3</Days>'))
    await write('/locked/a', { 'x-amz-object-lock-legal-hold': 'OFF' })
    expect((await s3.send('GET', '/locked/a')).headers).toMatchObject({
      ...lockBy('GOVERNANCE', at(startMs + 3 * dayMs)),
      'x-amz-object-lock-legal-hold': 'OFF',
    })
    await write('/locked/a', lockBy('COMPLIANCE', later))
    expect((await s3.send('GET', '/locked/a')).headers).toMatchObject(lockBy('COMPLIANCE', later))
    const refused = await write('/plain/a', lockBy('COMPLIANCE', later))
    expect(refused).toMatchObject({ status: 400, code: 'InvalidRequest' })
    expect(refused.text).toContain('Bucket is missing Object Lock Configuration')
    expect((await s3.send('GET', '/plain/a')).status).toBe(404)
  })

  it('a version that never had a legal hold says none, and one that was released says OFF', async () => {
    await put('/locked/a', 'x', lockBy('GOVERNANCE', later))
    const name = 'x-amz-object-lock-legal-hold'
    expect((await s3.send('HEAD', '/locked/a')).headers).not.toHaveProperty(name)
    expect((await s3.send('GET', '/locked/a?legal-hold')).code).toBe(
      'NoSuchObjectLockConfiguration',
    )
    await put('/locked/a?legal-hold', hold('OFF'))
    expect((await s3.send('HEAD', '/locked/a')).headers[name]).toBe('OFF')
  })

  it('an upload form takes it from its fields', async () => {
    const given = { key: 'a', ...lockBy('COMPLIANCE', later) }
    const options = { signer: root, nowMs: startMs, bucket: 'locked', fields: given }
    const form = await encodeForm(makeFields(options), 'x')
    const ask = { isAnonymous: true, ...form }
    expect((await s3.send('POST', '/locked', ask)).status).toBe(204)
    expect((await s3.send('HEAD', '/locked/a')).headers).toMatchObject(lockBy('COMPLIANCE', later))
  })

  it('PutObject with a lock needs a digest of its body', async () => {
    const headers = lockBy('GOVERNANCE', later)
    const refused = await s3.send('PUT', '/locked/a', { body: 'x', headers })
    expect(refused).toMatchObject({ status: 400, code: 'InvalidRequest' })
    expect(refused.text).toContain('Content-MD5 OR x-amz-checksum- HTTP header is required')
    expect((await s3.send('HEAD', '/locked/a')).status).toBe(404)
  })

  it('each part of the lock needs its own permission, before anything is stored', async () => {
    for (const denied of ['s3:PutObjectRetention', 's3:PutObjectLegalHold']) {
      s3.allow = ({ action }) => action !== denied
      const headers = { ...lockBy('GOVERNANCE', later), 'x-amz-object-lock-legal-hold': 'ON' }
      expect((await put('/locked/a', 'x', headers)).code).toBe('AccessDenied')
    }
    expect((await s3.send('HEAD', '/locked/a')).status).toBe(404)
  })

  it('GET and HEAD show the retention and the legal hold only to who may read them', async () => {
    await put('/locked/a', 'x', {
      ...lockBy('GOVERNANCE', later),
      'x-amz-object-lock-legal-hold': 'ON',
    })
    for (const method of ['GET', 'HEAD']) {
      s3.allow = ({ action }) => action !== 's3:GetObjectRetention'
      const some = await s3.send(method, '/locked/a')
      expect(some.status).toBe(200)
      expect(some.headers['x-amz-object-lock-legal-hold']).toBe('ON')
      for (const name of Object.keys(lockBy('', ''))) expect(some.headers).not.toHaveProperty(name)
      s3.allow = ({ action }) => action !== 's3:GetObjectLegalHold'
      const others = await s3.send(method, '/locked/a')
      expect(others.headers).toMatchObject(lockBy('GOVERNANCE', later))
      expect(others.headers).not.toHaveProperty('x-amz-object-lock-legal-hold')
    }
  })
})

async function upload(target: string, headers: Record<string, string>): Promise<Answer> {
  const begun = await s3.send('POST', `${target}?uploads`, { headers })
  if (begun.status !== 200) return begun
  const of = `${target}?uploadId=${texts(begun.text, 'UploadId')[0] ?? ''}`
  await s3.send('PUT', `${of}&partNumber=1`, { body: 'x' })
  const part = `<Part><PartNumber>1</PartNumber><ETag>${md5('x')}</ETag></Part>`
  return s3.send('POST', of, { body: `<CompleteMultipartUpload>${part}</CompleteMultipartUpload>` })
}

describe('the retention of a version', () => {
  it('a retention is set, read and replaced by version, with milliseconds', async () => {
    const first = version(await put('/locked/a', 'x'))
    await put('/locked/a', 'y')
    expect(await s3.send('GET', '/locked/a?retention')).toMatchObject({
      status: 404,
      code: 'NoSuchObjectLockConfiguration',
    })
    const target = `/locked/a?retention&versionId=${first}`
    expect((await put(target, retention('GOVERNANCE', later))).status).toBe(200)
    const got = await s3.send('GET', target)
    expect(texts(got.text, 'Mode')).toEqual(['GOVERNANCE'])
    expect(texts(got.text, 'RetainUntilDate')).toEqual([later])
    expect((await s3.send('GET', '/locked/a?retention')).status).toBe(404)
  })

  const change = (mode: string, until: string, headers = {}): Promise<Answer> =>
    put('/locked/a?retention', retention(mode, until), headers)

  it('governance is extended by anybody, and weakened only with the bypass and its permission', async () => {
    await put('/locked/a', 'x', lockBy('GOVERNANCE', later))
    expect((await change('GOVERNANCE', latest)).status).toBe(200)
    for (const refused of [
      await change('GOVERNANCE', later),
      await change('COMPLIANCE', latest),
      await put('/locked/a?retention', '<Retention/>'),
      await change('GOVERNANCE', later, { 'x-amz-bypass-governance-retention': 'false' }),
    ]) {
      expect(refused).toMatchObject({ status: 403, code: 'AccessDenied' })
      expect(refused.text).toContain(sentence)
    }
    s3.allow = ({ action }) => action !== 's3:BypassGovernanceRetention'
    expect((await change('GOVERNANCE', later, bypass)).code).toBe('AccessDenied')
    s3.allow = () => true
    expect((await change('GOVERNANCE', later, bypass)).status).toBe(200)
    expect((await put('/locked/a?retention', '<Retention/>', bypass)).status).toBe(200)
    expect((await s3.send('GET', '/locked/a?retention')).code).toBe('NoSuchObjectLockConfiguration')
  })

  it('compliance is extended by anybody, and weakened by nobody until it has ended', async () => {
    await put('/locked/a', 'x', lockBy('COMPLIANCE', later))
    expect((await change('COMPLIANCE', latest)).status).toBe(200)
    for (const refused of [
      await change('COMPLIANCE', later, bypass),
      await change('GOVERNANCE', latest, bypass),
      await put('/locked/a?retention', '<Retention/>', bypass),
    ])
      expect(refused.code).toBe('AccessDenied')
    s3.clock.nowMs = Date.parse(latest)
    expect((await change('GOVERNANCE', at(s3.clock.nowMs + dayMs))).status).toBe(200)
  })

  it('policies are asked with the retention in the body, and its bypass', async () => {
    await put('/locked/a', 'x')
    s3.asked.length = 0
    await change('GOVERNANCE', later, bypass)
    expect(s3.asked.map(({ action }) => action)).toEqual([
      's3:BypassGovernanceRetention',
      's3:PutObjectRetention',
    ])
    const { conditions } = s3.asked[1] ?? {}
    expect(conditions?.get('Object-Lock-Mode')).toEqual(['GOVERNANCE'])
    expect(conditions?.get('Object-Lock-Retain-Until-Date')).toEqual([later])
    expect(conditions?.get('object-lock-remaining-retention-days')).toEqual(['10'])
    expect(conditions?.get('Object-Lock-Legal-Hold')).toEqual([])
  })

  it('a body that nobody could be allowed is not read', async () => {
    s3.allowBucket = () => false
    for (const [query, body] of [
      ['retention', retention('GOVERNANCE', later)],
      ['legal-hold', hold('ON')],
    ] as const)
      expect(await put(`/locked/a?${query}`, body)).toMatchObject({
        status: 403,
        wasBodyRead: false,
      })
  })
})

describe('the legal hold of a version', () => {
  it('a legal hold is set and released, and policies are asked with it', async () => {
    await put('/locked/a', 'x')
    expect((await s3.send('GET', '/locked/a?legal-hold')).code).toBe(
      'NoSuchObjectLockConfiguration',
    )
    for (const status of ['ON', 'OFF']) {
      s3.asked.length = 0
      expect((await put('/locked/a?legal-hold', hold(status))).status).toBe(200)
      expect(s3.asked.map(({ action }) => action)).toEqual(['s3:PutObjectLegalHold'])
      expect(s3.asked[0]?.conditions.get('Object-Lock-Legal-Hold')).toEqual([status])
      expect(texts((await s3.send('GET', '/locked/a?legal-hold')).text, 'Status')).toEqual([status])
    }
  })

  it.each(['retention', 'legal-hold'])(
    '?%s of a bucket without a lock, of a missing key or version, or without a digest is refused',
    async (query) => {
      const body = query === 'retention' ? retention('GOVERNANCE', later) : hold('ON')
      await s3.send('PUT', '/plain/a', { body: 'x' })
      for (const answer of [
        await put(`/plain/a?${query}`, body),
        await s3.send('GET', `/plain/a?${query}`),
      ]) {
        expect(answer).toMatchObject({ status: 400, code: 'InvalidRequest' })
        expect(answer.text).toContain('Bucket is missing Object Lock Configuration')
      }
      expect((await put(`/nothing-here/a?${query}`, body)).code).toBe('NoSuchBucket')
      expect((await put(`/locked/none?${query}`, body)).code).toBe('NoSuchKey')
      expect((await s3.send('GET', `/locked/none?${query}`)).code).toBe('NoSuchKey')
      const unknown = `versionId=${'a'.repeat(32)}`
      await put('/locked/a', 'x')
      expect((await put(`/locked/a?${query}&${unknown}`, body)).code).toBe('NoSuchVersion')
      expect((await s3.send('PUT', `/locked/a?${query}`, { body })).code).toBe('InvalidRequest')
    },
  )
})

describe('a locked version', () => {
  const remove = (id: string, ask: Ask = {}): Promise<Answer> =>
    s3.send('DELETE', `/locked/a?versionId=${id}`, ask)
  const removeMany = (id: string, headers = {}): Promise<Answer> => {
    const body = `<Delete><Object><Key>a</Key><VersionId>${id}</VersionId></Object></Delete>`
    return s3.send('POST', '/locked?delete', { body, headers: { ...digest(body), ...headers } })
  }

  it('a version is not deleted while it is retained; a delete without a version hides it behind a marker', async () => {
    const id = version(await put('/locked/a', 'x', lockBy('COMPLIANCE', later)))
    for (const refused of [await remove(id), await remove(id, { headers: bypass })]) {
      expect(refused).toMatchObject({ status: 403, code: 'AccessDenied' })
      expect(refused.text).toContain(sentence)
    }
    for (const many of [await removeMany(id), await removeMany(id, bypass)]) {
      expect(texts(many.text, 'Code')).toEqual(['AccessDenied'])
      expect(texts(many.text, 'Message')).toEqual([sentence])
    }
    const hidden = await s3.send('DELETE', '/locked/a')
    expect(hidden).toMatchObject({ status: 204, headers: { 'x-amz-delete-marker': 'true' } })
    expect((await s3.send('GET', '/locked/a')).status).toBe(404)
    expect((await s3.send('GET', `/locked/a?versionId=${id}`)).text).toBe('x')
    expect((await remove(version(hidden))).status).toBe(204)
    expect((await s3.send('GET', '/locked/a')).text).toBe('x')
    s3.clock.nowMs = Date.parse(later)
    expect((await remove(id)).status).toBe(204)
    expect((await s3.send('GET', '/locked/a')).status).toBe(404)
  })

  it('governance is bypassed by a header with its own permission, for each key of a list too', async () => {
    const lock = lockBy('GOVERNANCE', later)
    const [first, second] = [
      version(await put('/locked/a', 'x', lock)),
      version(await put('/locked/a', 'y', lock)),
    ]
    expect((await remove(first)).code).toBe('AccessDenied')
    s3.allow = ({ action }) => action !== 's3:BypassGovernanceRetention'
    expect((await remove(first, { headers: bypass })).code).toBe('AccessDenied')
    expect(texts((await removeMany(first, bypass)).text, 'Code')).toEqual(['AccessDenied'])
    expect((await s3.send('GET', `/locked/a?versionId=${first}`)).text).toBe('x')
    s3.allow = () => true
    expect((await remove(first, { headers: bypass })).status).toBe(204)
    expect(texts((await removeMany(second, bypass)).text, 'VersionId')).toEqual([second])
    expect((await s3.send('HEAD', '/locked/a')).status).toBe(404)
  })

  it('a legal hold holds a version whatever its retention is, until it is released', async () => {
    const id = version(await put('/locked/a', 'x', { 'x-amz-object-lock-legal-hold': 'ON' }))
    expect((await remove(id, { headers: bypass })).code).toBe('AccessDenied')
    await put('/locked/a?legal-hold', hold('OFF'))
    expect((await remove(id)).status).toBe(204)
  })

  it.each(['yes', '1', ''])('a bypass of %j is refused', async (value) => {
    const headers = { 'x-amz-bypass-governance-retention': value }
    const id = version(await put('/locked/a', 'x'))
    expect((await remove(id, { headers })).code).toBe('InvalidArgument')
  })
})
