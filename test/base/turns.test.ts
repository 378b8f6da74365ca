import { describe, expect, it } from 'vitest'
import { createTurns } from '../../src/base/turns.ts'

describe('turns of a long loop', () => {
  it('createTurns() yields after every given number of steps', async () => {
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

  it('createTurns() lets the event loop run before the next step', async () => {
    let hasRun = false
    setImmediate(() => (hasRun = true))
    await createTurns(1)()
    expect(hasRun).toBe(true)
  })
})
