import { afterEach, describe, expect, it } from 'vitest'
import { signRequest } from '../../../../src/protocol/sigv4/sign.ts'
import {
  openHarness,
  region,
  root,
  sha256,
  texts,
  type Answer,
  type Harness,
} from '../../../support/server/s3-harness.ts'

let s3: Harness
afterEach(() => s3.close())

/** Sends a path that was signed in another spelling. */
function send(method: string, signed: string, sent: string, host = '127.0.0.1'): Promise<Answer> {
  const url = { host, pathname: signed, search: '' }
  const request = { method, url, headers: {}, payloadHash: sha256('') }
  const options = { region, service: 's3', nowMs: s3.clock.nowMs } as const
  const tamper = (headers: Record<string, string>): void => {
    Object.assign(headers, signRequest(request, root, options))
  }
  return s3.send(method, sent, { tamper, headers: { host } })
}

describe.each(['store', 'gateway'] as const)('the %s', (backend) => {
  it.each([
    ['ab%40cd', 'ab@cd', 'ab@cd'],
    ['part%3D1', 'part=1', 'part=1'],
    ['~a', '%7Ea', '~a'],
    ['a%2Bb', 'a+b', 'a+b'],
    ['%C3%A9', '%c3%a9', 'é'],
    ['a/b', 'a%2Fb', 'a/b'],
  ])('stores an object that was signed as %s and sent as %s', async (signed, sent, key) => {
    s3 = await openHarness({ backend, domains: ['s3.example.test'] })
    await s3.send('PUT', '/photos')
    expect((await send('PUT', `/photos/${signed}`, `/photos/${sent}`)).status).toBe(200)
    expect((await send('GET', `/${signed}`, `/${sent}`, 'photos.s3.example.test')).status).toBe(200)
    expect(texts((await s3.send('GET', '/photos')).text, 'Key')).toEqual([key])
  })

  it('refuses another key than the signed one', async () => {
    s3 = await openHarness({ backend })
    await s3.send('PUT', '/photos')
    for (const [signed, sent] of [
      ['a%20b', 'a+b'],
      ['a%2540b', 'a%40b'],
      ['a@b', 'a%2540b'],
    ] as const)
      expect((await send('PUT', `/photos/${signed}`, `/photos/${sent}`)).status).toBe(403)
    expect((await send('PUT', '/photos/a', '/photos%2Fa')).status).toBe(403)
  })
})
