/** `GET http://host/bucket/key`, which a proxy may send, was read as the key `/host/bucket/key` in a bucket `ttp:`. */
import { expect, it } from 'vitest'
import { openConnection, openListener } from '../../support/server/raw-client.ts'

it.each([
  ['http://127.0.0.1:9000/bucket/key?list-type=2', '/bucket/key list-type=2'],
  ['HTTPS://s3.test', '/ '],
  ['http://s3.test?x', '/ x'],
  ['//bucket/key', '//bucket/key '],
  ['/http://s3.test/key', '/http://s3.test/key '],
  ['*', '/* '],
])('the target %s is read as %s', async (target, expected) => {
  const { listener } = await openListener(async ({ rawPath, rawQuery }) => ({
    status: 200,
    body: `<${rawPath} ${rawQuery}>`,
  }))
  const connection = await openConnection(listener)
  connection.write(`OPTIONS ${target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`)
  expect(await connection.toEnd()).toContain(`<${expected}>`)
})
