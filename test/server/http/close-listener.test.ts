/** A stop waited out its whole grace where a client kept the connection of its last request: Node closes those that are idle when closing begins, and no later. */
import { expect, it } from 'vitest'
import { makeGate, openListener } from '../../support/server/raw-client.ts'

it('a listener that closes finishes what runs, takes nothing new, and is done then', async () => {
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
