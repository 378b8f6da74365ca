import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { silentLog } from '../../../../src/base/log.ts'
import { createKeyLocks } from '../../../../src/server/s3/filesystem/key-locks.ts'
import { startLifecycle } from '../../../../src/server/s3/lifecycle/start-lifecycle.ts'

const minuteMs = 60_000

/** A clock whose timers run when the test moves it. */
function createClock() {
  const timers = new Map<number, { readonly atMs: number; readonly run: () => void }>()
  let nowMs = 0
  let last = 0
  return {
    nowMs: () => nowMs,
    timers,
    after(delayMs: number, run: () => void): () => void {
      last += 1
      const timer = last
      timers.set(timer, { atMs: nowMs + delayMs, run })
      return () => void timers.delete(timer)
    },
    async move(minutes: number): Promise<void> {
      for (let minute = 0; minute < minutes; minute += 1) {
        nowMs += minuteMs
        for (const [timer, { atMs, run }] of timers) {
          if (atMs > nowMs) continue
          timers.delete(timer)
          run()
        }
        await nextTurn()
      }
    },
  }
}

it('a pass runs a minute after the start and then each hour, also after one that failed', async () => {
  const clock = createClock()
  const atMinutes: number[] = []
  const pass = async (): Promise<void> => {
    atMinutes.push(clock.nowMs() / minuteMs)
    throw new Error('EIO')
  }
  const stop = startLifecycle({ ...clock, pass, log: silentLog })
  await clock.move(130)
  expect(atMinutes).toEqual([1, 61, 121])
  await stop()
  await clock.move(130)
  expect(atMinutes).toHaveLength(3)
  expect(clock.timers.size).toBe(0)
})

it('stopping waits for the pass that runs, and tells it to end', async () => {
  const clock = createClock()
  const events: string[] = []
  const pass = async (signal: AbortSignal): Promise<void> => {
    events.push('begins')
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    events.push('ends')
  }
  const stop = startLifecycle({ ...clock, pass, log: silentLog })
  await clock.move(1)
  await stop()
  expect(events).toEqual(['begins', 'ends'])
})

it('of several processes one runs the passes, and another when that one has ended', async () => {
  const clock = createClock()
  const locks = createKeyLocks()
  const passes: string[] = []
  const start = (name: string): (() => Promise<void>) =>
    startLifecycle({
      ...clock,
      pass: async () => void passes.push(name),
      log: silentLog,
      elect: (work) => locks.hold('.lifecycle', work),
    })
  const stops = ['a', 'b', 'c'].map(start)
  await clock.move(65)
  expect(passes).toEqual(['a', 'a'])
  await stops[0]?.()
  await clock.move(3)
  expect(passes).toEqual(['a', 'a', 'b'])
  for (const stop of stops) await stop()
})
