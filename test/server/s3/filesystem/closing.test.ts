/** A store that is closed while requests still run, as when the grace of a shutdown is over. */
import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import type { ObjectContent } from '../../../../src/server/s3/body/object-content.ts'
import { openFilesystemStore } from '../../../../src/server/s3/filesystem/open-filesystem-store.ts'

const metadata = { contentType: 'text/plain', headers: {}, userMetadata: {} }
const page = { prefix: '', delimiter: '', keyMarker: '', versionIdMarker: undefined, limit: 9 }

function makeContent(text: string): ObjectContent {
  return {
    chunks: (async function* () {
      yield Buffer.from(text)
    })(),
    describe: () => ({ etag: createHash('md5').update(text).digest('hex') }),
  }
}

it('requests during and after the close of a store are refused or done, and do not end the process', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sts-cli-closing-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const open = () => openFilesystemStore(folder, { nowMs: () => 1_700_000_000_000 })
  const store = await open()
  await store.createBucket('photos')
  const put = (text: string) => store.putObject('photos', 'a', makeContent(text), { metadata })
  await put('before')
  const writes = Array.from({ length: 20 }, (_, at) => put(`during ${at}`))
  const closing = store.close()
  const results = await Promise.allSettled([...writes, store.statObject('photos', 'a'), closing])
  for (const result of results)
    if (result.status === 'rejected')
      expect(result.reason).toMatchObject({ code: 'ServiceUnavailable' })
  const refusal = { code: 'ServiceUnavailable' }
  await expect(put('after')).rejects.toMatchObject(refusal)
  await expect(store.statObject('photos', 'a')).rejects.toMatchObject(refusal)
  await expect(store.listVersions('photos', page)).rejects.toMatchObject(refusal)
  expect(() => store.findBucketDocument('photos', 'policy')).toThrow('the server is stopping')
  await store.close()
  // A timer that throws would run before this one, and fail the run.
  await wait(1)
  const again = await open()
  const object = await again.openObject('photos', 'a')
  const text = (await object?.readAll())?.toString()
  // A write that was refused at its very end may be there; one that was answered must not be lost.
  const isAnswered = results.slice(0, writes.length).some(({ status }) => status === 'fulfilled')
  expect(text).toMatch(isAnswered ? /^during \d+$/ : /^(?:before|during \d+)$/)
  await again.close()
})
