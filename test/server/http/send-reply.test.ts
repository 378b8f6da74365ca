/** A reply with a header that Node refuses was an unhandled rejection, which ended the whole server. */
import { expect, it } from 'vitest'
import { openListener } from '../../support/server/raw-client.ts'

it('a reply that cannot be sent is an internal error for that request only', async () => {
  const { listener, lines } = await openListener(async ({ rawPath }) => ({
    status: 200,
    headers: rawPath === '/good' ? {} : { 'x-amz-meta-a': 'a\u017c' },
    body: 'ok',
  }))
  const bad = await fetch(new URL('/bad', listener.url))
  expect([bad.status, await bad.text()]).toEqual([500, 'internal error\n'])
  const good = await fetch(new URL('/good', listener.url))
  expect([good.status, await good.text()]).toEqual([200, 'ok'])
  expect(lines.map(({ level, message }) => `${level} ${message}`)).toEqual([
    'error handler failed',
    'info request',
    'info request',
  ])
})
