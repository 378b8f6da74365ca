/** The library must name an invalid address or port instead of reporting only «Invalid URL». */
import { expect, it } from 'vitest'
import { clientGrants, startServer } from '../src/index.ts'

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
    code: 'ERR_USAGE',
    stage: 'config',
    message,
    hint: expect.stringContaining('https://'),
  })
})

it.each([99_999, -1, 1.5])('startServer() names port %j', async (port) => {
  await expect(startServer({ port })).rejects.toMatchObject({
    code: 'ERR_USAGE',
    message: `port ${port} is no port`,
    hint: expect.stringContaining('65535'),
  })
})
