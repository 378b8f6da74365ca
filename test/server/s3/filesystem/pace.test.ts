import { expect, it } from 'vitest'
import { createPace } from '../../../../src/server/s3/filesystem/pace.ts'

/** Makes a hundred calls that take these times in turn. */
function isSlowWith(timesMs: readonly number[]): boolean {
  let nowMs = 0
  const pace = createPace(() => nowMs)
  for (let call = 0; call < 100; call += 1)
    pace.time(() => {
      nowMs += timesMs[call % timesMs.length] ?? 0
    })
  return pace.isSlow()
}

it('a disk is slow if most of the first calls to it are', () => {
  expect(isSlowWith([0.01])).toBe(false)
  expect(isSlowWith([2])).toBe(true)
  expect(isSlowWith([2, 2, 0.01])).toBe(true)
})

it('a few slow calls, as on a busy machine, do not make a disk slow', () => {
  expect(isSlowWith([50, 0.01, 0.01])).toBe(false)
})

it('a disk is not slow before enough calls were timed, and calls return what they return', () => {
  let nowMs = 0
  const pace = createPace(() => (nowMs += 10))
  expect(pace.time(() => 'a result')).toBe('a result')
  expect(() =>
    pace.time(() => {
      throw new Error('the call fails')
    }),
  ).toThrow('the call fails')
  expect(pace.isSlow()).toBe(false)
})
