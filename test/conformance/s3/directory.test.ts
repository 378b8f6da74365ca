/** The conformance table against our own server on a directory. */
import { afterAll, beforeAll, describe } from 'vitest'
import { readExceptions, runTable } from './run-table.ts'
import { startDirectory, type Started } from './start-servers.ts'

describe('S3 on a directory', () => {
  let server: Started
  beforeAll(async () => {
    server = await startDirectory()
  })
  afterAll(() => server.stop())
  runTable(() => server.endpoint, { exceptions: readExceptions('pending.txt') })
})
