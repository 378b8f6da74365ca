/** The conformance table against our gateway before our own server. */
import { afterAll, beforeAll, describe } from 'vitest'
import { readExceptions, runTable } from './run-table.ts'
import { startDirectory, startGateway, type Started } from './start-servers.ts'

describe('S3 through the gateway', () => {
  let upstream: Started
  let gateway: Started
  beforeAll(async () => {
    upstream = await startDirectory()
    gateway = await startGateway(upstream.endpoint.url)
  })
  afterAll(async () => {
    await gateway.stop()
    await upstream.stop()
  })
  const exceptions = new Map([
    ...readExceptions('pending.txt'),
    ...readExceptions('pending-gateway.txt'),
  ])
  runTable(() => gateway.endpoint, { exceptions })
})
