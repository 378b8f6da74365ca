import { expect, it } from 'vitest'
import { createJudge, type Version } from '../../../../src/server/s3/lifecycle/judge-versions.ts'
import { readLifecycleRules } from '../../../../src/server/s3/request/lifecycle-document.ts'
import type { ObjectLock } from '../../../../src/server/s3/request/object-lock.ts'

const dayMs = 24 * 60 * 60 * 1000
const nowMs = 100 * dayMs

/** A version that was made so many days ago. */
function object(name: string, daysAgo: number, lock?: ObjectLock, isLatest = false): Version {
  const metadata = { contentType: 'a/b', headers: {}, userMetadata: {} }
  const lastModifiedMs = nowMs - daysAgo * dayMs
  const info = { key: name, size: 1, lastModifiedMs, etag: 'e', metadata, versionId: 'v', lock }
  return { kind: 'object', name, info, isLatest }
}
const latest = (version: Version): Version => ({ ...version, isLatest: true })
const marker = (name: string, daysAgo: number): Version => ({
  kind: 'marker',
  name,
  versionId: 'm',
  lastModifiedMs: nowMs - daysAgo * dayMs,
  isLatest: false,
})

/** Judges a list, and returns the kinds of removal. */
function judge(action: string, versions: readonly Version[], filter = '<Filter/>') {
  const rules = readLifecycleRules(
    `<LifecycleConfiguration><Rule>${filter}<Status>Enabled</Status>${action}</Rule></LifecycleConfiguration>`,
  )
  const decide = createJudge(rules, nowMs)
  return versions.map(
    (version, at) => decide(version, versions[at + 1]?.name !== version.name)?.kind ?? '-',
  )
}

const noncurrent = (fields: string): string =>
  `<NoncurrentVersionExpiration>${fields}</NoncurrentVersionExpiration>`
const threeDays = noncurrent('<NoncurrentDays>3</NoncurrentDays>')
const expire = (fields: string): string => `<Expiration>${fields}</Expiration>`

it('a version is noncurrent since the next newer one was made, whatever its own age', () => {
  const versions = [
    latest(object('a', 1)),
    object('a', 5),
    object('a', 90),
    latest(object('b', 90)),
  ]
  expect(judge(threeDays, versions)).toEqual(['-', '-', 'noncurrent', '-'])
  expect(judge(threeDays, [latest(marker('a', 4)), object('a', 90)])).toEqual(['-', 'noncurrent'])
})

it('the newest noncurrent objects stay, counted without delete markers, for each key anew', () => {
  const keepOne = noncurrent(
    '<NoncurrentDays>1</NoncurrentDays><NewerNoncurrentVersions>1</NewerNoncurrentVersions>',
  )
  const versions = [
    latest(object('a', 50)),
    marker('a', 60),
    object('a', 70),
    object('a', 80),
    latest(object('b', 50)),
    object('b', 60),
  ]
  expect(judge(keepOne, versions)).toEqual(['-', '-', '-', 'noncurrent', '-', '-'])
})

it('a count without days, which MinIO has, removes what is too many at once', () => {
  const keepOne = noncurrent('<NewerNoncurrentVersions>1</NewerNoncurrentVersions>')
  const versions = [latest(object('a', 0)), object('a', 0), object('a', 0)]
  expect(judge(keepOne, versions)).toEqual(['-', '-', 'noncurrent'])
})

it('noncurrent delete markers go as versions do, except by a filter of tags or sizes', () => {
  const versions = [latest(object('a', 50)), marker('a', 60)]
  expect(judge(threeDays, versions)).toEqual(['-', 'noncurrent'])
  const bySize = '<Filter><ObjectSizeGreaterThan>0</ObjectSizeGreaterThan></Filter>'
  expect(judge(threeDays, versions, bySize)).toEqual(['-', '-'])
})

it('a delete marker goes when it hides nothing: at once if a rule is about markers, else at the age of an expiration', () => {
  const alone = [latest(marker('a', 1)), latest(marker('b', 9))]
  const markers = expire('<ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker>')
  expect(judge(markers, alone)).toEqual(['marker', 'marker'])
  expect(judge(expire('<Days>5</Days>'), alone)).toEqual(['-', 'marker'])
  expect(judge(threeDays, alone)).toEqual(['-', '-'])
  expect(judge(markers, [latest(marker('a', 9)), object('a', 10)])).toEqual(['-', '-'])
})

it('only a current version expires, and only a version that is not locked is removed for good', () => {
  const retention = { mode: 'GOVERNANCE', retainUntilMs: nowMs + 1 } as const
  const locked = [
    latest(object('a', 50, { retention })),
    object('a', 60, { retention }),
    object('a', 70, { hasLegalHold: true }),
    object('a', 80, { retention: { ...retention, retainUntilMs: nowMs } }),
  ]
  expect(judge(threeDays, locked)).toEqual(['-', '-', '-', 'noncurrent'])
  // What expires is hidden by a delete marker, and stays.
  expect(judge(expire('<Days>5</Days>'), locked)).toEqual(['expired', '-', '-', '-'])
})
