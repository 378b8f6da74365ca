import { describe, expect, it } from 'vitest'
import { createLoginMemory, type LoginMemory } from '../../../src/server/aws-login/login-memory.ts'
import type { ToPrimary, ToWorker } from '../../../src/server/workers/messages.ts'
import {
  createMemoryServer,
  createRemoteMemory,
} from '../../../src/server/workers/remote-memory.ts'

const clock = { nowMs: 0 }
const key = { kind: 'code', name: 'a' } as const

/** Returns a worker's memory, whose messages reach a primary. */
function openRemote(): LoginMemory {
  const answer = createMemoryServer()
  const memory = createRemoteMemory((message: ToPrimary) => {
    if (message.kind !== 'remember') throw new Error(message.kind)
    void answer(message, (result: ToWorker) => {
      if (result.kind === 'remembered') memory.settle(result.question, result.result)
    })
  })
  return memory
}

describe.each([
  ['a process alone', () => createLoginMemory(() => clock.nowMs)],
  ['a worker', openRemote],
])('the memory of %s', (_what, open) => {
  const later = Date.now() + 3_600_000

  it('adds a name once, and of two that take it one gets it', async () => {
    const memory = open()
    expect(await memory.add(key, 'x', later)).toBe(true)
    expect(await memory.add(key, 'y', later)).toBe(false)
    expect(await memory.add({ ...key, kind: 'proof' }, '', later)).toBe(true)
    expect(await memory.read(key)).toBe('x')
    const taken = await Promise.all([memory.take(key), memory.take(key)])
    expect(taken).toEqual(['x', undefined])
  })

  it('changes a value only from the one that the caller saw', async () => {
    const memory = open()
    await memory.add(key, 'x', later)
    expect(await memory.change(key, 'other', 'y')).toBe(false)
    expect(await memory.change(key, 'x', 'y')).toBe(true)
    expect(await memory.read(key)).toBe('y')
    expect(await memory.change({ ...key, name: 'b' }, '', 'y')).toBe(false)
  })
})

describe('what is remembered', () => {
  it('an entry is forgotten at its end', async () => {
    clock.nowMs = 0
    const memory = createLoginMemory(() => clock.nowMs)
    await memory.add(key, 'x', 1000)
    clock.nowMs = 1000
    expect(await memory.read(key)).toBeUndefined()
    expect(await memory.take(key)).toBeUndefined()
    expect(await memory.add(key, 'y', 2000)).toBe(true)
  })

  it('devices beyond ten thousand are refused until others end, and codes are not', async () => {
    clock.nowMs = 0
    const memory = createLoginMemory(() => clock.nowMs)
    for (let at = 0; at < 10_000; at += 1)
      await memory.add({ kind: 'device', name: String(at) }, 'waiting', 1000)
    expect(await memory.add({ kind: 'device', name: 'one more' }, 'waiting', 1000)).toBe(false)
    expect(await memory.add(key, 'x', 1000)).toBe(true)
    clock.nowMs = 1000
    expect(await memory.add({ kind: 'device', name: 'one more' }, 'waiting', 2000)).toBe(true)
  })
})
