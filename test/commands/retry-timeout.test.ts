/** When no time is left for a retry, the error is the last failure, not a timeout. */
import { expect, it } from 'vitest'
import { openStage } from '../support/commands/harness.ts'

it('login reports the last failure when no time is left for another retry', async () => {
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
