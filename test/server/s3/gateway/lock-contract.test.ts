/** The tests of object lock and of lifecycle documents run again through the gateway, with our own store as its upstream. */
import { describe } from 'vitest'
import { openWithGateway } from '../../../support/server/s3-harness.ts'

openWithGateway()

describe('through the gateway', () => {
  describe('object lock', async () => {
    await import('../operations/object-lock.test.ts')
  })
  describe('lifecycle documents', async () => {
    await import('../operations/bucket-lifecycle.test.ts')
  })
  describe('when objects expire', async () => {
    await import('../operations/expiry-headers.test.ts')
  })
})
