import { describe, expect, it } from 'vitest'
import { createTurns } from '../../src/base/turns.ts'

describe('a long loop', () => {
  it('gives others a turn at every so many steps and at no other', async () => {
    const seen: string[] = []
    const takeTurn = createTurns(3, async () => seen.push('others'))
    for (let step = 1; step <= 7; step += 1) {
      await takeTurn()
      seen.push(`step ${step}`)
    }
    expect(seen.join(', ')).toBe(
      'step 1, step 2, others, step 3, step 4, step 5, others, step 6, step 7',
    )
  })

  it('lets what waits for the event loop run before its next step', async () => {
    let hasRun = false
    setImmediate(() => (hasRun = true))
    await createTurns(1)()
    expect(hasRun).toBe(true)
  })
})
