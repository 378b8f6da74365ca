import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { clientGrants } from '../../../src/index.ts'
import { startServer } from '../../../src/server/start-server.ts'
import {
  granted,
  openStage,
  startMs,
  stsAnswer,
  type Stage,
} from '../../support/commands/harness.ts'

let stage: Stage
let provide: ReturnType<typeof clientGrants>

beforeEach(async () => {
  // Fakes only the clock: sockets and their timers are real.
  vi.useFakeTimers({ toFake: ['Date'], now: startMs })
  stage = await openStage()
  stage.sts.answer = (_seen, count) => makeAnswer(count)
  provide = clientGrants({
    tokenEndpoint: `${stage.idp.url}/token`,
    stsEndpoint: stage.sts.url,
    clientId: 'id',
    clientSecret: 'secret',
    scope: 's3',
    audience: 'minio',
    policy: '{}',
    durationSeconds: 1800,
    timeoutMs: 1000,
  })
})
afterEach(() => {
  vi.useRealTimers()
})

/** Returns credentials for an hour from now; the access key counts the calls. */
function makeAnswer(count: number): ReturnType<typeof stsAnswer> {
  return stsAnswer(undefined, {
    accessKeyId: `KEY${count}`,
    expirationText: new Date(Date.now() + 3_600_000).toISOString(),
  })
}

const minutes = (count: number): number => startMs + count * 60_000

describe('clientGrants()', () => {
  it('clientGrants() returns credentials for the AWS SDK', async () => {
    expect(await provide()).toEqual({
      accessKeyId: 'KEY0',
      secretAccessKey: granted.secretAccessKey,
      sessionToken: granted.sessionToken,
      expiration: new Date(minutes(60)),
    })
    expect(stage.idp.seen[0]?.body).toBe('grant_type=client_credentials&scope=s3&audience=minio')
    expect(stage.sts.seen[0]?.form.get('DurationSeconds')).toBe('1800')
    expect(stage.sts.seen[0]?.form.get('Policy')).toBe('{}')
  })

  it('clientGrants() makes one request for many simultaneous callers', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => provide()))
    expect(new Set(all).size).toBe(1)
    expect(stage.idp.seen).toHaveLength(1)
    vi.setSystemTime(minutes(50))
    await Promise.all(Array.from({ length: 20 }, () => provide()))
    expect(stage.idp.seen).toHaveLength(2)
  })

  it('clientGrants() renews when a fifth of the lifetime is left, and not before', async () => {
    await provide()
    vi.setSystemTime(minutes(48) - 1)
    expect((await provide()).accessKeyId).toBe('KEY0')
    vi.setSystemTime(minutes(48))
    expect((await provide()).accessKeyId).toBe('KEY1')
    expect((await provide()).accessKeyId).toBe('KEY1')
  })

  it('clientGrants() requests new credentials with forceRefresh', async () => {
    await provide()
    expect((await provide({ forceRefresh: true })).accessKeyId).toBe('KEY1')
    expect((await provide({ forceRefresh: false })).accessKeyId).toBe('KEY1')
  })

  it('clientGrants() returns valid credentials while a renewal fails', async () => {
    await provide()
    stage.idp.answer = { status: 401, body: '{"error":"invalid_client"}' }
    vi.setSystemTime(minutes(50))
    expect((await provide()).accessKeyId).toBe('KEY0')
    expect(stage.idp.seen).toHaveLength(2)
    vi.setSystemTime(minutes(60))
    await expect(provide()).rejects.toMatchObject({ code: 'ERR_REFUSED', stage: 'idp' })
  })

  it('clientGrants() recovers after a failure', async () => {
    stage.sts.answer = { status: 403, body: '<Error><Code>AccessDenied</Code></Error>' }
    await expect(provide()).rejects.toMatchObject({
      code: 'ERR_REFUSED',
      stage: 'sts',
      serverCode: 'AccessDenied',
    })
    stage.sts.answer = makeAnswer(7)
    expect((await provide()).accessKeyId).toBe('KEY7')
  })

  it('clientGrants() leaves no unhandled rejection when many callers fail together', async () => {
    stage.idp.answer = { status: 400, body: '{"error":"invalid_scope"}' }
    const all = await Promise.allSettled(Array.from({ length: 5 }, () => provide()))
    expect(all.map(({ status }) => status)).toEqual(Array.from({ length: 5 }, () => 'rejected'))
    expect(stage.idp.seen).toHaveLength(1)
  })
})

describe('clientGrants() with the embedded server', () => {
  it('clientGrants() accepts the values that startServer() returns', async () => {
    vi.useRealTimers()
    await using server = await startServer()
    const { tokenEndpoint, clientId, clientSecret, caFile, url } = server
    const real = clientGrants({ tokenEndpoint, clientId, clientSecret, caFile, stsEndpoint: url })
    const { expiration, sessionToken } = await real()
    expect(expiration.getTime()).toBeGreaterThan(Date.now())
    expect(sessionToken).not.toBe('')
  })
})
