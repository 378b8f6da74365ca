/** A refused connection whose next try would have come too late was told as «no answer in time»: 75, and a longer --timeout as the cure. */
import { expect, it } from 'vitest'
import { openStage } from '../support/commands/harness.ts'

it('what no time is left to try again is told as it was', async () => {
  const stage = await openStage()
  const gone = ['--retries', '99', '--timeout', '1s', '-idp-ep', 'http://127.0.0.1:1/token']
  const refused = await stage.ask(['login', ...gone])
  expect(refused.code).toBe(69)
  expect(refused.stderr).toContain('nothing listens at 127.0.0.1:1')

  stage.idp.answer = { status: 503, body: 'busy' }
  const busy = await stage.ask(['login', '--retries', '99', '--timeout', '1s'])
  expect(busy.code).toBe(69)
  expect(busy.stderr).toContain('HTTP 503')
})
