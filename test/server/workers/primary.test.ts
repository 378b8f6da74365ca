import type { Worker } from 'node:cluster'
import { EventEmitter } from 'node:events'
import { describe, expect, it, vi } from 'vitest'
import { silentLog } from '../../../src/base/log.ts'
import type { Peers } from '../../../src/server/options/peers.ts'
import {
  shareRevocations,
  type Revocation,
} from '../../../src/server/sessions/share-revocations.ts'
import { createDerivedSessions } from '../../../src/server/sessions/derived-sessions.ts'
import { createCollector } from '../../../src/server/workers/collect-counts.ts'
import { createPrimary } from '../../../src/server/workers/primary.ts'
import { pauseBeforeReplacementMs } from '../../../src/server/workers/worker-pool.ts'

class FakeWorker extends EventEmitter {
  readonly sent: unknown[] = []
  readonly id: number
  constructor(id: number) {
    super()
    this.id = id
  }
  isConnected(): boolean {
    return true
  }
  send(message: unknown, _sent: () => void): void {
    this.sent.push(message)
  }
}

function connect(primary: ReturnType<typeof createPrimary>, id: number): FakeWorker {
  const worker = new FakeWorker(id)
  primary.connect(worker as unknown as Worker)
  return worker
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const revocation: Revocation = { target: { accessKeyId: 'A'.repeat(20) }, atMs: 5 }

describe('the primary process', () => {
  it('the primary passes a revocation to every other worker, and to those that start later', () => {
    const primary = createPrimary()
    const [first, second] = [connect(primary, 1), connect(primary, 2)]
    first.emit('message', { kind: 'revoked', revocation })
    expect(second.sent).toEqual([{ kind: 'revoked', revocation }])
    expect(first.sent).toEqual([])

    const third = connect(primary, 3)
    third.emit('message', { kind: 'here' })
    expect(third.sent).toEqual([{ kind: 'revoked', revocation }])
  })

  it('the primary gives the worker that asks the metrics of all workers', async () => {
    const primary = createPrimary()
    const [first, second] = [connect(primary, 1), connect(primary, 2)]
    first.emit('message', { kind: 'collect', question: 7 })
    for (const [worker, counts] of [
      [first, [{ name: 'a' }]],
      [second, [{ name: 'b' }]],
    ] as const) {
      const [asked] = worker.sent as { kind: string; collection: number }[]
      expect(asked).toMatchObject({ kind: 'count' })
      worker.emit('message', { kind: 'counted', collection: asked?.collection, counts })
    }
    await settle()
    expect(first.sent.at(-1)).toEqual({
      kind: 'counts',
      question: 7,
      counts: [[{ name: 'a' }], [{ name: 'b' }]],
    })
  })

  it('the primary does not wait for the metrics of a dead worker', async () => {
    const primary = createPrimary()
    const [first, second] = [connect(primary, 1), connect(primary, 2)]
    first.emit('message', { kind: 'collect', question: 1 })
    const [asked] = first.sent as { collection: number }[]
    first.emit('message', { kind: 'counted', collection: asked?.collection, counts: [] })
    second.emit('exit')
    await settle()
    expect(first.sent.at(-1)).toEqual({ kind: 'counts', question: 1, counts: [[]] })
    expect(primary.workers.size).toBe(1)
  })

  it('the primary gives a lock of a dead worker to the next', async () => {
    const primary = createPrimary()
    const [first, second] = [connect(primary, 1), connect(primary, 2)]
    first.emit('message', { kind: 'lock', lock: 1, name: 'key', isExclusive: true })
    second.emit('message', { kind: 'lock', lock: 1, name: 'key', isExclusive: true })
    await settle()
    expect(first.sent).toEqual([{ kind: 'granted', lock: 1 }])
    expect(second.sent).toEqual([])
    first.emit('exit')
    await settle()
    expect(second.sent).toEqual([{ kind: 'granted', lock: 1 }])
  })
})

describe('metrics of several processes', () => {
  it('the metrics of several processes omit a worker that does not answer within a second', async () => {
    vi.useFakeTimers()
    try {
      const collector = createCollector()
      const collecting = collector.collect([1, 2], (worker, collection) => {
        if (worker === 1) collector.answer(worker, collection, ['one'])
      })
      await vi.advanceTimersByTimeAsync(1000)
      expect(await collecting).toEqual([['one']])
    } finally {
      vi.useRealTimers()
    }
  })
})

describe('the replacement of dead workers', () => {
  it.each([
    [1, 0],
    [2, 400],
    [3, 800],
    [6, 6400],
    [7, 10_000],
    [5000, 10_000],
  ])('a worker is replaced, after %i exits in a minute, in %i ms', (deaths, pauseMs) => {
    expect(pauseBeforeReplacementMs(deaths)).toBe(pauseMs)
  })
})

describe('sessions of several processes', () => {
  it('a session is revoked when another process revokes it, and its own revocations are announced', async () => {
    const sessions = createDerivedSessions({ rootSecret: 'a root secret', nowMs: () => 0 })
    const announced: Revocation[] = []
    let hear = (_revocation: Revocation): void => {}
    const peers = {
      announceRevocation: (one: Revocation) => void announced.push(one),
      onRevocation: (listener: typeof hear) => {
        hear = listener
      },
    } as unknown as Peers
    const shared = shareRevocations(sessions, { peers, nowMs: () => 2000, log: silentLog })
    const request = {
      subject: 'me',
      claims: {},
      policyNames: [],
      sessionPolicy: undefined,
      groups: [],
      expiresAtMs: 60_000,
    }
    const issued = await Promise.all([shared.issue(request), shared.issue(request)])
    const outcomes = (): Promise<string[]> =>
      Promise.all(
        issued.map(
          async ({ accessKeyId, sessionToken }) =>
            (await shared.lookUp(accessKeyId, sessionToken)).outcome,
        ),
      )
    expect(await outcomes()).toEqual(['found', 'found'])

    hear({ target: { accessKeyId: issued[0].accessKeyId }, atMs: 1000 })
    expect(await outcomes()).toEqual(['revoked', 'found'])
    expect(announced).toEqual([])
    const target = { accessKeyId: issued[1].accessKeyId }
    await shared.revoke(target)
    expect(await outcomes()).toEqual(['revoked', 'revoked'])
    expect(announced).toEqual([{ target, atMs: 2000 }])
  })
})
