/** A completion that is repeated while the first one ends: at whatever step it is overtaken, it gets the same answer. */
import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ObjectStore } from '../../../../src/server/s3/request/object-store.ts'
import {
  openHarness,
  texts,
  type Answer,
  type Harness,
} from '../../../support/server/s3-harness.ts'

let s3: Harness
let target: string
beforeEach(async () => {
  s3 = await openHarness()
  await s3.send('PUT', '/photos')
  const [id] = texts((await s3.send('POST', '/photos/a?uploads')).text, 'UploadId')
  target = `/photos/a?uploadId=${id}`
  await s3.send('PUT', `${target}&partNumber=1`, { body: 'part' })
})
afterEach(() => s3.close())

const etag = createHash('md5').update('part').digest('hex')
const body = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${etag}</ETag></Part></CompleteMultipartUpload>`
const complete = (headers = {}): Promise<Answer> => s3.send('POST', target, { body, headers })

/** Lets something happen once, just before the store is asked. */
function before(name: 'findUpload' | 'listParts' | 'statObject', happen: () => Promise<unknown>) {
  const ask = s3.objects[name] as (...values: unknown[]) => unknown
  const replaced: Partial<ObjectStore> = {
    [name]: async (...values: unknown[]) => {
      Object.assign(s3.objects, { [name]: ask })
      await happen()
      return ask(...values)
    },
  }
  Object.assign(s3.objects, replaced)
}

describe('a completion that is overtaken', () => {
  it.each(['findUpload', 'listParts', 'statObject'] as const)(
    'by the same one before %s gets its answer',
    async (name) => {
      let first: Answer | undefined
      before(name, async () => {
        first = await complete()
      })
      const second = await complete({ 'if-none-match': '*' })
      expect([second.status, second.text]).toEqual([200, first?.text])
    },
  )

  it.each(['findUpload', 'listParts'] as const)(
    'by an abort before %s is NoSuchUpload',
    async (name) => {
      before(name, () => s3.send('DELETE', target))
      expect(await complete()).toMatchObject({ status: 404, code: 'NoSuchUpload' })
    },
  )

  it('by an abort that has begun to remove the parts is NoSuchUpload', async () => {
    const listParts = s3.objects.listParts
    const emptied: Partial<ObjectStore> = {
      listParts: async () => {
        Object.assign(s3.objects, { listParts })
        await s3.send('DELETE', target)
        return []
      },
    }
    Object.assign(s3.objects, emptied)
    expect(await complete()).toMatchObject({ status: 404, code: 'NoSuchUpload' })
  })
})
