import { request } from 'node:https'
// @ts-expect-error the library has types only for its main export
import storage from 'oidc-provider/lib/helpers/als.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startIssuer, type RunningIssuer } from '../../../src/server/issuer/start-issuer.ts'

let issuer: RunningIssuer

beforeAll(async () => {
  issuer = await startIssuer({
    address: { host: '127.0.0.1', port: 0 },
    clients: [{ id: 'app', secret: 'app-secret', policy: 'readwrite' }],
    nowMs: () => Date.now(),
  })
})

afterAll(() => issuer.stop())

function askForToken(secret: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const call = request(issuer.tokenEndpoint, {
      method: 'POST',
      ca: issuer.certificate,
      auth: `app:${secret}`,
      agent: false,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
    call.on('error', reject)
    call.on('response', (response) => {
      response.resume()
      response.on('close', () => resolve(response.statusCode))
    })
    call.end('grant_type=client_credentials')
  })
}

describe('the async context of the embedded identity provider', () => {
  it('the async context is off once every request has its answer, so that promises of the STS cost no more', async () => {
    const statuses = await Promise.all([
      askForToken('app-secret'),
      askForToken('app-secret'),
      askForToken('wrong'),
    ])

    expect(statuses).toEqual([200, 200, 401])
    // Since Node 24 the context costs nothing, and the storage has no such member.
    expect(storage.enabled ?? false).toBe(false)
  })
})
