/** Conditions on the tags of objects, with the embedded store. */
import { createHash } from 'node:crypto'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createDecisionMemo } from '../../../src/server/policy/decision-memo.ts'
import { createIamAuthorizer } from '../../../src/server/policy/iam-authorizer.ts'
import { withObjectTags, type ReadTags } from '../../../src/server/policy/object-tags.ts'
import { parsePolicyDocument } from '../../../src/server/policy/policy-document.ts'
import { combinePolicies } from '../../../src/server/policy/combine-policies.ts'
import type { Authorizer } from '../../../src/server/policy/authorizer.ts'
import { openHarness } from '../../support/server/s3-harness.ts'
import { createStoreBackend } from '../../../src/server/s3/store/store-backend.ts'
import { allowAll, makeRequest, session, write } from '../../support/server/policy-requests.ts'

const teamOnly = { ...allowAll, Condition: { StringEquals: { 's3:ExistingObjectTag/team': 'a' } } }
const notSecret = {
  ...allowAll,
  Effect: 'Deny',
  Condition: { StringEquals: { 's3:ExistingObjectTag/secret': 'yes' } },
}

function openAuthorizer(statements: object[], readTags: ReadTags | undefined): Authorizer {
  const document = parsePolicyDocument(write(...statements.map((one) => ({ ...one }))), 'p')
  const policies = new Map([['p', document]])
  return withObjectTags(combinePolicies(createIamAuthorizer({ policies })), readTags)
}

async function isAllowed(authorizer: Authorizer, at: string, action = 's3:GetObject') {
  const principal = { ...session, policyNames: ['p'] }
  return (await authorizer.authorize(makeRequest({ action, at, principal }))).isAllowed
}

async function openTags(): Promise<ReadTags> {
  const s3 = await openHarness()
  onTestFinished(() => s3.close())
  await s3.send('PUT', '/bucket')
  for (const [key, tags] of [
    ['ours', 'team=a'],
    ['secret', 'team=a&secret=yes'],
    ['plain', ''],
  ] as const)
    await s3.send('PUT', `/bucket/${key}`, {
      body: 'x',
      headers: tags === '' ? {} : { 'x-amz-tagging': tags },
    })
  return createStoreBackend(s3.objects).readTags ?? (() => Promise.resolve(undefined))
}

describe('conditions on the tags of an object', () => {
  it('a policy can allow and deny by the tags that an object has', async () => {
    const authorizer = openAuthorizer([teamOnly, notSecret], await openTags())
    expect(await isAllowed(authorizer, 'bucket/ours')).toBe(true)
    expect(await isAllowed(authorizer, 'bucket/secret')).toBe(false)
    expect(await isAllowed(authorizer, 'bucket/plain')).toBe(false)
    expect(await isAllowed(authorizer, 'bucket/nosuch')).toBe(false)
    expect(await isAllowed(authorizer, 'nosuch/nosuch')).toBe(false)
    expect(await isAllowed(authorizer, 'bucket/ours', 's3:PutObject')).toBe(false)
  })

  it('a session policy can ask for the tags of an object', async () => {
    const authorizer = openAuthorizer([allowAll], await openTags())
    const principal = { ...session, policyNames: ['p'], sessionPolicy: write(teamOnly) }
    const ask = (at: string) => authorizer.authorize(makeRequest({ at, principal }))
    expect(await ask('bucket/ours')).toMatchObject({ isAllowed: true })
    expect(await ask('bucket/plain')).toMatchObject({ isAllowed: false })
  })

  it('a backend that cannot read tags allows nothing by them and denies everything', async () => {
    for (const readTags of [undefined, () => Promise.resolve(undefined)]) {
      expect(await isAllowed(openAuthorizer([teamOnly], readTags), 'bucket/ours')).toBe(false)
      const denying = openAuthorizer([allowAll, notSecret], readTags)
      expect(await isAllowed(denying, 'bucket/plain')).toBe(false)
      expect(await isAllowed(denying, 'bucket/plain', 's3:PutObject')).toBe(true)
    }
  })

  it('tags are read only for a policy that asks for them', async () => {
    let reads = 0
    const readTags: ReadTags = async () => {
      reads += 1
      return {}
    }
    await isAllowed(openAuthorizer([allowAll], readTags), 'bucket/ours')
    await isAllowed(openAuthorizer([teamOnly], readTags), 'bucket/ours', 's3:PutObject')
    expect(reads).toBe(0)
    await isAllowed(openAuthorizer([teamOnly], readTags), 'bucket/ours')
    expect(reads).toBe(1)
  })

  it('the answer for some object is not the answer for each, though both share a memo', async () => {
    const principal = { ...session, policyNames: ['p'] }
    const authorizer = openAuthorizer([teamOnly], async (_bucket, key) => ({
      team: key === 'ours' ? 'a' : 'b',
    }))
    const memo = createDecisionMemo()
    const ask = { ...makeRequest({ at: 'bucket', principal }), memo }
    expect(await authorizer.couldAllow?.(ask)).toMatchObject({ isAllowed: true })
    for (const object of ['theirs', 'ours'])
      expect(await authorizer.authorize({ ...ask, object })).toMatchObject({
        isAllowed: object === 'ours',
      })
    const denying = openAuthorizer([allowAll, notSecret], undefined)
    expect(await denying.couldAllow?.(ask)).toMatchObject({ isAllowed: true })
    expect(await denying.authorize({ ...ask, object: 'x' })).toMatchObject({ isAllowed: false })
  })
})

describe('conditions on the tags of a request', () => {
  it('PutObjectTagging is judged by the tags in its body, before they are stored', async () => {
    const s3 = await openHarness()
    onTestFinished(() => s3.close())
    await s3.send('PUT', '/bucket')
    await s3.send('PUT', '/bucket/key', { body: 'x' })
    s3.allow = ({ conditions }) => conditions.get('RequestObjectTag/team')?.[0] === 'a'
    const tag = (team: string) =>
      `<Tagging><TagSet><Tag><Key>team</Key><Value>${team}</Value></Tag></TagSet></Tagging>`
    expect(await s3.send('PUT', '/bucket/key?tagging', { body: tag('b') })).toMatchObject({
      status: 403,
    })
    expect((await s3.objects.statObject('bucket', 'key'))?.metadata.tags).toBeUndefined()
    expect(await s3.send('PUT', '/bucket/key?tagging', { body: tag('a') })).toMatchObject({
      status: 200,
    })
    expect(s3.asked.at(-1)?.conditions.get('RequestObjectTagKeys')).toEqual(['team'])
  })

  it('the body of PutObjectTagging is not read for a caller who could not be allowed', async () => {
    const s3 = await openHarness()
    onTestFinished(() => s3.close())
    await s3.send('PUT', '/bucket')
    s3.allowBucket = () => false
    const answer = await s3.send('PUT', '/bucket/key?tagging', { body: '<Tagging/>' })
    expect(answer).toMatchObject({ status: 403, wasBodyRead: false })
  })
})

describe('conditions on the tags of a version', () => {
  const open = async () => {
    const s3 = await openHarness({ hasBucketPolicies: true })
    onTestFinished(() => s3.close())
    await s3.send('PUT', '/bucket')
    const body = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>'
    await s3.send('PUT', '/bucket?versioning', { body })
    const put = async (tags: string): Promise<string> => {
      const headers = { 'x-amz-tagging': tags }
      const { headers: answer } = await s3.send('PUT', '/bucket/key', { body: 'x', headers })
      return answer['x-amz-version-id'] ?? ''
    }
    const deny = (action: string, condition: object) =>
      s3.send('PUT', '/bucket?policy', {
        body: write({
          Effect: 'Deny',
          Principal: '*',
          Action: action,
          Resource: 'arn:aws:s3:::bucket/*',
          Condition: { StringEquals: condition },
        }),
      })
    return { s3, put, deny }
  }

  it('a policy about the tags of an object is asked with those of the version that is read', async () => {
    const { s3, put, deny } = await open()
    const [secret, plain] = [await put('secret=yes'), await put('secret=no')]
    expect(await deny('s3:GetObject*', { 's3:ExistingObjectTag/secret': 'yes' })).toMatchObject({
      status: 204,
    })
    const read = async (version: string) =>
      (await s3.send('GET', `/bucket/key?versionId=${version}`)).status
    const copy = async (version: string) => {
      const headers = { 'x-amz-copy-source': `/bucket/key?versionId=${version}` }
      return (await s3.send('PUT', '/bucket/copy', { headers })).status
    }
    expect([await read(secret), await copy(secret)]).toEqual([403, 403])
    expect([await read(plain), await copy(plain)]).toEqual([200, 200])
    await s3.send('DELETE', '/bucket/key')
    expect([await read(secret), await copy(secret)]).toEqual([403, 403])
    expect([await read(plain), await copy(plain)]).toEqual([200, 200])
  })

  it('a policy about a version binds also where a body or a header names the version', async () => {
    const { s3, put, deny } = await open()
    const [kept, other] = [await put('a=b'), await put('a=b')]
    await deny('s3:*ObjectVersion', { 's3:VersionId': kept })
    const copy = async (version: string) => {
      const headers = { 'x-amz-copy-source': `/bucket/key?versionId=${version}` }
      return (await s3.send('PUT', '/bucket/copy', { headers })).status
    }
    expect([await copy(kept), await copy(other)]).toEqual([403, 200])
    const doomed = [kept, other].map((version) => {
      return `<Object><Key>key</Key><VersionId>${version}</VersionId></Object>`
    })
    const body = `<Delete>${doomed.join('')}</Delete>`
    const headers = { 'content-md5': createHash('md5').update(body).digest('base64') }
    const { text } = await s3.send('POST', '/bucket?delete', { body, headers })
    expect(text).toMatch(new RegExp(`<Error><Key>key</Key><VersionId>${kept}`))
    expect(text).toMatch(new RegExp(`<Deleted><Key>key</Key><VersionId>${other}`))
  })
})
