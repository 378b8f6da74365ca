/** The library names an invalid address or port instead of reporting only «Invalid URL», and gives each failure a reason. */
import { expect, it } from 'vitest'
import { clientGrants, startServer, StsCliError, type ErrorReason } from '../src/index.ts'

const good = {
  tokenEndpoint: 'http://127.0.0.1:1/token',
  stsEndpoint: 'http://127.0.0.1:1',
  clientId: 'id',
  clientSecret: 'secret',
}

it.each([
  ['tokenEndpoint', 'nonsense', 'tokenEndpoint "nonsense" is not an http or https URL'],
  ['stsEndpoint', 'minio:9000', 'stsEndpoint "minio:9000" is not an http or https URL'],
  ['stsEndpoint', 'ftp://me:password@minio', 'stsEndpoint is not an http or https URL'],
])('clientGrants() names the invalid %s %j', async (name, value, message) => {
  await expect(clientGrants({ ...good, [name]: value })()).rejects.toMatchObject({
    reason: 'url-invalid',
    code: 'ERR_USAGE',
    stage: 'config',
    message,
    hint: expect.stringContaining('https://'),
  })
})

it.each([99_999, -1, 1.5])('startServer() names port %j', async (port) => {
  await expect(startServer({ port })).rejects.toMatchObject({
    reason: 'port-invalid',
    code: 'ERR_USAGE',
    message: `port ${port} is no port`,
    hint: expect.stringContaining('65535'),
  })
})

it('a program recognises a failure of the library by its class and its reason', async () => {
  const error: unknown = await clientGrants(good)().catch((thrown: unknown) => thrown)
  if (!(error instanceof StsCliError)) throw error
  const reason: ErrorReason = error.reason
  expect(reason).toBe('connection-refused')
  expect(error).toMatchObject({ code: 'ERR_UNAVAILABLE', stage: 'idp', hint: undefined })
})

it('startServer() rejects with a reason when the port is in use', async () => {
  await using server = await startServer()
  const port = Number(new URL(server.url).port)
  const error: unknown = await startServer({ port }).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(StsCliError)
  expect(error).toMatchObject({ reason: 'port-in-use', message: `port ${port} is in use` })
})
