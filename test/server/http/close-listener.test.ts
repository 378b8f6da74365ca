/** A stop waited for its whole grace period if a client kept its connection: Node closes idle connections when closing begins, but not those that become idle later. */
import { expect, it } from 'vitest'
import { makeGate, openListener } from '../../support/server/raw-client.ts'

it('a closing listener finishes running requests, accepts no new ones, and is then done', async () => {
  const [asked, given] = [makeGate(), makeGate()]
  const { listener } = await openListener(async () => {
    asked.open()
    await given.opened
    return { status: 200, body: 'finished' }
  })
  const running = fetch(listener.url)
  await asked.opened
  const closing = listener.close(60_000)
  await expect(fetch(listener.url)).rejects.toThrow('fetch failed')

  given.open()
  expect(await (await running).text()).toBe('finished')
  await closing
})
