import { afterEach, beforeEach, expect, it } from 'vitest'
import { md5, openHarness, texts, type Harness } from '../../../support/server/s3-harness.ts'

let s3: Harness

beforeEach(async () => {
  s3 = await openHarness()
  await s3.send('PUT', '/photos')
})

afterEach(() => s3.close())

async function remove(keys: readonly string[]): ReturnType<Harness['send']> {
  const objects = keys.map((key) => `<Object><Key>${key}</Key></Object>`)
  const body = `<Delete>${objects.join('')}</Delete>`
  const headers = { 'content-md5': Buffer.from(md5(body), 'hex').toString('base64') }
  return s3.send('POST', '/photos?delete', { body, headers })
}

it.each(['\u0001ctrl', 'a\u001F', 'a\uFFFE', '\uFFFF'])(
  'multi-delete neither deletes the key %j, which XML cannot contain, nor reports it as deleted',
  async (key) => {
    const path = `/photos/${encodeURIComponent(key)}`
    await s3.send('PUT', path, { body: 'x' })
    const answer = await remove([key])
    expect(answer.text).not.toContain('<Deleted>')
    expect(answer.code).toMatch(/^(MalformedXML|InvalidArgument)$/)
    expect((await s3.send('GET', path)).status).toBe(200)
    expect((await s3.send('DELETE', path)).status).toBe(204)
    expect((await s3.send('GET', path)).status).toBe(404)
  },
)

it('multi-delete deletes keys that begin or end with white space, and reports them unchanged', async () => {
  const keys = [' a ', '\ta\n', 'a&#13;', '&#13;']
  for (const key of keys)
    await s3.send('PUT', `/photos/${encodeURIComponent(key.replace('&#13;', '\r'))}`, { body: 'x' })
  const answer = await remove(keys)
  expect(texts(answer.text, 'Key')).toEqual(keys)
  expect(texts((await s3.send('GET', '/photos')).text, 'Key')).toEqual([])
})
