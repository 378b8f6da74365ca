/** The tests of the embedded store run again through the gateway, with that store as its upstream. */
import { describe } from 'vitest'
import { openWithGateway } from '../../../support/server/s3-harness.ts'

openWithGateway()

describe('through the gateway', () => {
  describe('objects', async () => {
    await import('../operations/objects.test.ts')
  })
  describe('bodies', async () => {
    await import('../body/bodies.test.ts')
  })
  describe('buckets and lists', async () => {
    await import('../operations/buckets-and-lists.test.ts')
  })
  describe('headers in the query', async () => {
    await import('../request/hoisted-headers.test.ts')
  })
  describe('forms of answers', async () => {
    await import('../operations/forms-of-answers.test.ts')
  })
  describe('facts', async () => {
    await import('../request/request-facts.test.ts')
  })
  describe('one reading of a query', async () => {
    await import('../request/one-query.test.ts')
  })
  describe('checksums of uploads', async () => {
    await import('../operations/upload-checksums.test.ts')
  })
  describe('encryption', async () => {
    await import('../operations/encryption.test.ts')
  })
  describe('upload forms', async () => {
    await import('../post/post-object.test.ts')
  })
})
