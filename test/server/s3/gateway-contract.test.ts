/** What holds for the embedded store holds for the gateway with that store behind it: the same cases once more. */
import { describe } from 'vitest'
import { openWithGateway } from './s3-harness.ts'

openWithGateway()

describe('through the gateway', () => {
  describe('objects', async () => {
    await import('./objects.test.ts')
  })
  describe('bodies', async () => {
    await import('./bodies.test.ts')
  })
  describe('buckets and lists', async () => {
    await import('./buckets-and-lists.test.ts')
  })
  describe('headers in the query', async () => {
    await import('./hoisted-headers.test.ts')
  })
  describe('upload forms', async () => {
    await import('./post-object.test.ts')
  })
})
