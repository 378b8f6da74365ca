/** A locked version keeps its bytes until its time, whatever is done to its bucket. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { silentLog } from '../../../../src/base/log.ts'
import { runPass } from '../../../../src/server/s3/lifecycle/run-pass.ts'
import {
  openHarness,
  md5,
  texts,
  type Answer,
  type Harness,
} from '../../../support/server/s3-harness.ts'

const dayMs = 24 * 60 * 60 * 1000

interface Locked {
  readonly key: string
  readonly versionId: string
  readonly content: string
  /** The end of its retention; 0 for none. */
  untilMs: number
  mode: 'GOVERNANCE' | 'COMPLIANCE'
  isHeld: boolean
}

/** What is known to be stored, and the server that stores it. */
class World {
  readonly s3: Harness
  readonly versions: Locked[] = []
  private count = 0

  constructor(s3: Harness) {
    this.s3 = s3
  }

  makeContent(): string {
    this.count += 1
    return `content ${this.count}`
  }

  note(key: string, content: string, answer: Answer): Locked | undefined {
    if (answer.status !== 200) return undefined
    const versionId = answer.headers['x-amz-version-id'] ?? 'null'
    const made: Locked = { key, versionId, content, untilMs: 0, mode: 'GOVERNANCE', isHeld: false }
    // Only one version `null` exists.
    const before = this.versions.findIndex((one) => one.key === key && one.versionId === versionId)
    if (before === -1) this.versions.push(made)
    else this.versions[before] = made
    return made
  }

  choose(at: number): Locked | undefined {
    return this.versions[at % Math.max(this.versions.length, 1)]
  }

  isLocked({ untilMs, isHeld }: Locked): boolean {
    return isHeld || untilMs > this.s3.clock.nowMs
  }

  async check(): Promise<void> {
    for (const version of this.versions.filter((one) => this.isLocked(one))) {
      const { key, versionId, content } = version
      const got = await this.s3.send('GET', `/photos/${key}?versionId=${versionId}`)
      if (got.status !== 200 || got.text !== content)
        throw new Error(`a locked version of ${key} is lost: ${got.status} ${got.text}`)
    }
  }
}

interface Lock {
  readonly mode: 'GOVERNANCE' | 'COMPLIANCE'
  readonly days: number
}

type Command =
  | {
      readonly kind: 'write'
      readonly key: string
      readonly lock: Lock | undefined
      readonly way: 'put' | 'copy' | 'upload'
    }
  | { readonly kind: 'hide'; readonly key: string }
  /** `at` chooses one of the known versions. */
  | {
      readonly kind: 'remove'
      readonly at: number
      readonly isBypassing: boolean
      readonly isMany: boolean
    }
  | { readonly kind: 'hold'; readonly at: number; readonly isHeld: boolean }
  | { readonly kind: 'pass' }
  | { readonly kind: 'move'; readonly hours: number }
  | { readonly kind: 'version'; readonly status: string }

const digest = (body: string): Record<string, string> => ({
  'content-md5': Buffer.from(md5(body), 'hex').toString('base64'),
})
const anyKey = fc.constantFrom('a', 'b')
const anyLock = fc.option(
  fc.record({
    mode: fc.constantFrom('GOVERNANCE' as const, 'COMPLIANCE' as const),
    days: fc.integer({ min: 1, max: 5 }),
  }),
  { nil: undefined },
)
const anyAt = fc.nat(30)
const kind = <T extends Command['kind']>(text: T): fc.Arbitrary<T> => fc.constant(text)
const anyWay = fc.constantFrom('put' as const, 'copy' as const, 'upload' as const)
const anyCommand: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: kind('write'), key: anyKey, lock: anyLock, way: anyWay }),
  },
  { weight: 2, arbitrary: fc.record({ kind: kind('hide'), key: anyKey }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: kind('remove'),
      at: anyAt,
      isBypassing: fc.boolean(),
      isMany: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: kind('hold'), at: anyAt, isHeld: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: kind('pass') }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: kind('move'), hours: fc.integer({ min: 1, max: 72 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: kind('version'),
      status: fc.constantFrom('Enabled', 'Suspended'),
    }),
  },
)

function lockHeaders(lock: Lock | undefined, nowMs: number): Record<string, string> {
  if (lock === undefined) return {}
  return {
    'x-amz-object-lock-mode': lock.mode,
    'x-amz-object-lock-retain-until-date': new Date(nowMs + lock.days * dayMs).toISOString(),
  }
}

interface Writing {
  readonly content: string
  readonly headers: Record<string, string>
}

const writers: Record<
  'put' | 'copy' | 'upload',
  (s3: Harness, key: string, writing: Writing) => Promise<Answer>
> = {
  put: (s3, key, { content, headers }) =>
    s3.send('PUT', `/photos/${key}`, {
      body: content,
      headers: { ...digest(content), ...headers },
    }),
  async copy(s3, key, { content, headers }) {
    await s3.send('PUT', '/source/x', { body: content })
    return s3.send('PUT', `/photos/${key}`, {
      headers: { ...headers, 'x-amz-copy-source': 'source/x' },
    })
  },
  async upload(s3, key, { content, headers }) {
    const begun = await s3.send('POST', `/photos/${key}?uploads`, { headers })
    const target = `/photos/${key}?uploadId=${texts(begun.text, 'UploadId')[0] ?? ''}`
    await s3.send('PUT', `${target}&partNumber=1`, { body: content })
    const part = `<Part><PartNumber>1</PartNumber><ETag>${md5(content)}</ETag></Part>`
    return s3.send('POST', target, {
      body: `<CompleteMultipartUpload>${part}</CompleteMultipartUpload>`,
    })
  },
}

type Runners = {
  readonly [K in Command['kind']]: (
    world: World,
    command: Extract<Command, { kind: K }>,
  ) => Promise<unknown>
}

const runners: Runners = {
  async write(world, { key, lock, way }) {
    const { s3 } = world
    const { nowMs } = s3.clock
    const content = world.makeContent()
    const answer = await writers[way](s3, key, { content, headers: lockHeaders(lock, nowMs) })
    const made = world.note(key, content, answer)
    if (made && lock) Object.assign(made, { mode: lock.mode, untilMs: nowMs + lock.days * dayMs })
  },
  hide: ({ s3 }, { key }) => s3.send('DELETE', `/photos/${key}`),
  // By itself or in a list. Only a bypass of governance may remove a locked version.
  async remove(world, { at, isBypassing, isMany }) {
    const version = world.choose(at)
    if (version === undefined) return
    const { key, versionId } = version
    const bypass = isBypassing ? { 'x-amz-bypass-governance-retention': 'true' } : {}
    const body = `<Delete><Object><Key>${key}</Key><VersionId>${versionId}</VersionId></Object></Delete>`
    const answer = isMany
      ? await world.s3.send('POST', '/photos?delete', {
          body,
          headers: { ...digest(body), ...bypass },
        })
      : await world.s3.send('DELETE', `/photos/${key}?versionId=${versionId}`, { headers: bypass })
    const isGone = isMany ? texts(answer.text, 'Code').length === 0 : answer.status === 204
    const mayGo =
      !world.isLocked(version) || (isBypassing && !version.isHeld && version.mode === 'GOVERNANCE')
    if (isGone !== mayGo) throw new Error(`a removal of ${key} ${versionId}: ${answer.text}`)
    if (isGone) world.versions.splice(world.versions.indexOf(version), 1)
  },
  async hold(world, { at, isHeld }) {
    const version = world.choose(at)
    if (version === undefined) return
    const { key, versionId } = version
    const body = `<LegalHold><Status>${isHeld ? 'ON' : 'OFF'}</Status></LegalHold>`
    const target = `/photos/${key}?legal-hold&versionId=${versionId}`
    const answer = await world.s3.send('PUT', target, { body, headers: digest(body) })
    if (answer.status === 200) version.isHeld = isHeld
  },
  pass({ s3: { objects, clock } }) {
    const { signal } = new AbortController()
    return runPass({ objects, nowMs: () => clock.nowMs, log: silentLog, signal })
  },
  async move({ s3 }, { hours }) {
    s3.clock.nowMs += hours * 60 * 60 * 1000
  },
  // The API refuses to suspend such a bucket. It may have been suspended while its lock was set.
  version: ({ s3 }, { status }) => s3.objects.writeBucketDocument('photos', 'versioning', status),
}

function run<K extends Command['kind']>(
  world: World,
  command: Extract<Command, { kind: K }>,
): Promise<unknown> {
  const runner = runners[command.kind as K]
  return runner(world, command)
}

const expireEverything =
  '<LifecycleConfiguration><Rule><Filter/><Status>Enabled</Status><Expiration><Days>1</Days></Expiration><NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays></NoncurrentVersionExpiration></Rule></LifecycleConfiguration>'
const lockConfiguration =
  '<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>'
const versioning = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>'

it('the bytes of a locked version stay readable until its time, whatever is written, deleted, expired or suspended', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyCommand, { minLength: 5, maxLength: 25 }), async (commands) => {
      const s3 = await openHarness()
      try {
        for (const bucket of ['source', 'photos']) await s3.send('PUT', `/${bucket}`)
        const world = new World(s3)
        // A version `null`, from before the bucket had versioning.
        const content = world.makeContent()
        world.note('a', content, await s3.send('PUT', '/photos/a', { body: content }))
        await s3.send('PUT', '/photos?versioning', { body: versioning })
        for (const [query, body] of [
          ['lifecycle', expireEverything],
          ['object-lock', lockConfiguration],
        ] as const) {
          const answer = await s3.send('PUT', `/photos?${query}`, { body, headers: digest(body) })
          expect(answer.text).toBe('')
        }
        for (const command of commands) {
          await run(world, command)
          await world.check()
        }
      } finally {
        await s3.close()
      }
    }),
    { numRuns: 12, endOnFailure: true },
  )
}, 60_000)
