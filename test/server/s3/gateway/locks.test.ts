/** Locks are kept by the upstream, which takes every request for its root user's: what a caller may not do or read is decided here. */
import { expect, it, onTestFinished } from 'vitest'
import { openHarness, type Harness } from '../../../support/server/s3-harness.ts'
import {
  keys,
  startUpstream,
  type ScriptedUpstream,
} from '../../../support/server/scripted-upstream.ts'

async function openGateway(): Promise<{ s3: Harness; upstream: ScriptedUpstream }> {
  const upstream = await startUpstream()
  const s3 = await openHarness({ upstream: { url: upstream.url, credentials: keys } })
  onTestFinished(() => s3.close())
  return { s3, upstream }
}

const retention = {
  'x-amz-object-lock-mode': 'COMPLIANCE',
  'x-amz-object-lock-retain-until-date': '2030-01-01T00:00:00.000Z',
}
const hold = { 'x-amz-object-lock-legal-hold': 'ON' }
const actions = ({ asked }: Harness): string[] => asked.map(({ action }) => action)

it.each(['GET', 'HEAD'])(
  '%s shows the retention and the legal hold only to who may read them',
  async (method) => {
    const { s3, upstream } = await openGateway()
    upstream.answer = (_request, response) =>
      void response
        .writeHead(200, { ...retention, ...hold, etag: '"a"' })
        .end(method === 'GET' ? 'x' : '')
    const all = await s3.send(method, '/photos/a?versionId=1')
    expect(all.headers).toMatchObject({ ...retention, ...hold })
    expect(actions(s3)).toEqual([
      's3:GetObjectVersion',
      's3:GetObjectRetention',
      's3:GetObjectLegalHold',
    ])
    s3.allow = ({ action }) => action !== 's3:GetObjectRetention'
    const some = await s3.send(method, '/photos/a')
    expect(some.status).toBe(200)
    expect(some.text).toBe(method === 'GET' ? 'x' : '')
    expect(some.headers).toMatchObject({ ...hold, etag: '"a"' })
    for (const name of Object.keys(retention)) expect(some.headers).not.toHaveProperty(name)
  },
)

it('an answer without a lock asks for nothing more', async () => {
  const { s3 } = await openGateway()
  await s3.send('GET', '/photos/a')
  expect(actions(s3)).toEqual(['s3:GetObject'])
})

it.each([
  [
    'PUT',
    'a',
    { ...retention, ...hold },
    ['PutObject', 'PutObjectRetention', 'PutObjectLegalHold'],
  ],
  ['POST', 'a?uploads', retention, ['PutObject', 'PutObjectRetention']],
  ['PUT', 'a?retention&versionId=1', {}, ['PutObjectRetention']],
  ['PUT', 'a?legal-hold', {}, ['PutObjectLegalHold']],
  ['GET', 'a?retention', {}, ['GetObjectRetention']],
  ['GET', 'a?legal-hold&versionId=1', {}, ['GetObjectLegalHold']],
  [
    'PUT',
    'a?retention',
    { 'x-amz-bypass-governance-retention': 'true' },
    ['PutObjectRetention', 'BypassGovernanceRetention'],
  ],
  [
    'DELETE',
    'a?versionId=1',
    { 'x-amz-bypass-governance-retention': 'true' },
    ['DeleteObjectVersion', 'BypassGovernanceRetention'],
  ],
  [
    'DELETE',
    'a?versionId=1',
    { 'x-amz-bypass-governance-retention': 'false' },
    ['DeleteObjectVersion'],
  ],
  ['PUT', '?object-lock', {}, ['PutBucketObjectLockConfiguration']],
  ['PUT', '?lifecycle', {}, ['PutLifecycleConfiguration']],
])(
  '%s %s with %j asks for each action, and is sent on with its headers',
  async (method, path, headers, wanted) => {
    const { s3, upstream } = await openGateway()
    const target = path.startsWith('?') ? `/photos${path}` : `/photos/${path}`
    const body = '<A/>'
    expect(
      (await s3.send(method, target, { headers, ...(method === 'PUT' && { body }) })).status,
    ).toBe(200)
    expect(actions(s3)).toEqual(wanted.map((action) => `s3:${action}`))
    expect(upstream.seen.at(-1)?.headers).toMatchObject(headers)
    for (const denied of wanted) {
      s3.allow = ({ action }) => action !== `s3:${denied}`
      const { length } = upstream.seen
      expect(
        (await s3.send(method, target, { headers, ...(method === 'PUT' && { body }) })).status,
      ).toBe(403)
      expect(upstream.seen).toHaveLength(length)
    }
  },
)
