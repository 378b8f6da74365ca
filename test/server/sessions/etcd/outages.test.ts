/** An etcd that is unreachable, slow, another program, or does not know the user. */
import { createSecretKey } from 'node:crypto'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { signSessionToken, verifySessionToken } from '../../../../src/protocol/jwt/session-token.ts'
import { makeCertificate } from '../../../../src/server/http/self-signed-certificate.ts'
import type { EtcdOptions } from '../../../../src/server/sessions/etcd/etcd-sessions.ts'
import { openStore, request, startEtcd, until } from '../../../support/server/etcd-harness.ts'

const noLeader = { status: 503, body: '{"error":"etcdserver: no leader","code":14}' }

function at(endpoints: string[], more: Partial<EtcdOptions> = {}): { etcd: EtcdOptions } {
  return { etcd: { endpoints, keyPrefix: '', tls: {}, user: undefined, ...more } }
}

describe('a start with etcd', () => {
  it('a start fails if etcd is unreachable, with the address and the reason', async () => {
    const etcd = await startEtcd()
    await etcd.stop()
    await expect(openStore(etcd)).rejects.toMatchObject({
      code: 'ERR_UNAVAILABLE',
      exitCode: 69,
      message: `etcd at ${etcd.url} does not answer (ECONNREFUSED)`,
      reason: 'etcd-unreachable',
    })
  })

  it('a start fails if etcd accepts connections and never answers', async () => {
    const etcd = await startEtcd()
    etcd.behave('silent')
    await expect(openStore(etcd)).rejects.toMatchObject({
      code: 'ERR_UNAVAILABLE',
      message: `etcd at ${etcd.url} does not answer`,
    })
  })

  it.each([
    ['a web page', 200, '<html>'],
    ['another JSON', 200, '{"hello":1}'],
    ['a list', 200, '[]'],
    ['empty', 200, ''],
    ['a 404 page', 404, '404 page not found'],
    ['a proxy’s error', 502, 'bad gateway'],
  ])('a start fails if the answer of etcd is %s', async (_what, status, body) => {
    const etcd = await startEtcd()
    etcd.behave({ status, body })
    await expect(openStore(etcd)).rejects.toMatchObject({
      code: 'ERR_PROTOCOL',
      exitCode: 76,
      message: `${etcd.url} does not answer as etcd does`,
    })
  })

  it('a start fails if etcd’s certificate is not from a trusted CA', async () => {
    const [ours, theirs] = [await makeCertificate(Date.now()), await makeCertificate(Date.now())]
    const stranger = createServer(theirs, (_request, response) => response.end('{"header":{}}'))
    await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => {
      stranger.close()
      stranger.closeAllConnections()
    })
    const url = `https://127.0.0.1:${(stranger.address() as AddressInfo).port}`
    const options = at([url], { tls: { ca: [ours.cert] } })
    await expect(openStore({ url }, options)).rejects.toMatchObject({
      code: 'ERR_UNAVAILABLE',
      message: expect.stringContaining('a certificate that is not trusted') as string,
      reason: 'etcd-certificate-untrusted',
    })
  })

  it('a start fails at once if etcd does not know the user, without the password in the error', async () => {
    const etcd = await startEtcd({ name: 'sts', password: 'right-password' })
    const user = { name: 'sts', password: 'wrong-password' }
    const refusal = openStore(etcd, at([etcd.url], { user }))
    await expect(refusal).rejects.toMatchObject({
      code: 'ERR_REFUSED',
      serverMessage: 'etcdserver: authentication failed, invalid user ID or password',
      reason: 'etcd-refused',
    })
    await expect(refusal.catch((error: unknown) => JSON.stringify(error))).resolves.not.toContain(
      'wrong-password',
    )
    expect(etcd.calls).toEqual(['/v3/auth/authenticate'])
  })

  it.each([
    ['refuses connections', 'stopped'],
    ['is silent', 'silent'],
    ['has no leader', noLeader],
  ] as const)('a start uses another member if the first %s', async (_what, behaviour) => {
    const [first, second] = [await startEtcd(), await startEtcd()]
    if (behaviour === 'stopped') await first.stop()
    else first.behave(behaviour)
    const options = { ...at([first.url, second.url]), limitMs: 5000 }
    const { store } = await openStore(first, options)
    const { accessKeyId } = await store.issue(request)
    expect([...second.entries.keys()]).toContain(`config/iam/sts/${accessKeyId}/identity.json`)
    expect(await store.checkReady()).toBe(true)
  })
})

describe('an etcd outage', () => {
  it.each([
    ['etcd is silent', 'silent'],
    ['etcd has no leader', noLeader],
    [
      'etcd is full',
      {
        status: 429,
        body: '{"error":"etcdserver: mvcc: database space exceeded","code":8}',
        paths: /txn|lease/,
      },
    ],
    ['another program answers', { status: 200, body: 'hello' }],
  ] as const)(
    'sessions and logins survive an outage: when %s, new sessions are written later',
    async (_what, behaviour) => {
      const etcd = await startEtcd()
      const { store, lines } = await openStore(etcd)
      const before = await store.issue(request)
      etcd.behave(behaviour)
      const during = [await store.issue(request), await store.issue(request)]
      for (const { accessKeyId, sessionToken } of [before, ...during])
        expect(await store.lookUp(accessKeyId, sessionToken)).toMatchObject({ outcome: 'found' })
      await until(async () => !(await store.checkReady()))

      etcd.behave(undefined)
      const keys = during.map(({ accessKeyId }) => `config/iam/sts/${accessKeyId}/identity.json`)
      await until(() => keys.every((key) => etcd.entries.has(key)))
      await until(() => store.checkReady())
      // There is one line for each outage, not for each login.
      const messages = lines.map(({ message }) => message)
      expect(messages.filter((message) => message.includes('writes'))).toEqual([
        'etcd takes no writes: they wait',
        'etcd takes writes again',
      ])
      // There is no line for each heartbeat either: a loss is logged again only after etcd was back.
      const others = messages.filter((message) => !message.includes('writes'))
      const lost = 'etcd is lost: what others issue or revoke is not seen until it is back'
      expect(others).toEqual(others.map((_, index) => (index % 2 === 0 ? lost : 'etcd is back')))
      expect(JSON.stringify(lines)).not.toContain(before.secretAccessKey)
    },
  )

  it('a revocation during an outage works on this server, reports an error, and is written later', async () => {
    const etcd = await startEtcd()
    const [one, other] = [await openStore(etcd), await openStore(etcd)]
    const { accessKeyId, sessionToken } = await one.store.issue(request)
    const outcomeAt = async ({ store }: typeof one): Promise<string> =>
      (await store.lookUp(accessKeyId, sessionToken)).outcome
    etcd.behave(noLeader)
    await expect(one.store.revoke({ accessKeyId })).rejects.toMatchObject({
      code: 'ServiceUnavailable',
      message: expect.stringContaining('revoked on this server') as string,
    })
    expect([await outcomeAt(one), await outcomeAt(other)]).toEqual(['revoked', 'found'])
    etcd.behave(undefined)
    await until(async () => (await outcomeAt(other)) === 'revoked')
  })

  it('a session of MinIO is not reported as unknown during an outage', async () => {
    const etcd = await startEtcd()
    const [here, there] = [await openStore(etcd), await openStore(etcd)]
    const { accessKeyId, sessionToken } = await there.store.issue(request)
    // The token has no claim of this server, like a MinIO's, and this server has not heard of it.
    const foreign = toForeignToken(sessionToken)
    etcd.behave(noLeader)
    await expect(here.store.lookUp(accessKeyId, foreign)).rejects.toMatchObject({
      code: 'ServiceUnavailable',
      status: 503,
    })
  })

  it('an expired etcd token is renewed without a visible error', async () => {
    const etcd = await startEtcd({ name: 'sts', password: 'right-password' })
    const user = { name: 'sts', password: 'right-password' }
    const { store } = await openStore(etcd, at([etcd.url], { user }))
    await store.issue(request)
    etcd.forgetTokens()
    const { accessKeyId } = await store.issue(request)
    expect([...etcd.entries.keys()]).toContain(`config/iam/sts/${accessKeyId}/identity.json`)
    await until(() => store.checkReady())
  })

  it('a store can be closed during an outage', async () => {
    const etcd = await startEtcd()
    const { store } = await openStore(etcd)
    etcd.behave('silent')
    await store.issue(request)
    await expect(store.close()).resolves.toBeUndefined()
  })
})

/** Returns the same token without the claim of this server, signed again. */
function toForeignToken(sessionToken: string): string {
  const key = createSecretKey('minio123', 'utf8')
  const { 'sts-cli': _, ...claims } = verifySessionToken(sessionToken, key) ?? {}
  return signSessionToken(claims, key)
}
