/** The conformance table against moto, directly and through our gateway: a check of the table by an S3 that is not ours, and of the gateway. */
import { afterAll, beforeAll, describe } from 'vitest'
import { readExceptions, runTable } from '../conformance/s3/run-table.ts'
import { startGateway, toEndpoint, type Started } from '../conformance/s3/start-servers.ts'
import { startMoto, type Moto } from './moto.ts'

describe('moto', () => {
  let moto: Moto
  beforeAll(async () => {
    moto = await startMoto()
  })
  afterAll(() => moto.stop())
  runTable(() => toEndpoint(new URL(moto.url)), { exceptions: readExceptions('moto.txt') })
})

describe('the gateway before moto', () => {
  let moto: Moto
  let gateway: Started
  beforeAll(async () => {
    moto = await startMoto()
    gateway = await startGateway(new URL(moto.url))
  })
  afterAll(async () => {
    await gateway.stop()
    await moto.stop()
  })
  runTable(() => gateway.endpoint, { exceptions: readExceptions('moto-through-gateway.txt') })
})
