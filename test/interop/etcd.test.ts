/** `sts-cli serve` on a real etcd: what servers share, and how they survive an operator’s bad day. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { emptySha256 } from '../../src/protocol/sigv4/canonical-request.ts'
import { signRequest } from '../../src/protocol/sigv4/sign.ts'
import { decodeStsAnswer } from '../../src/protocol/sts-wire.ts'
import type { TemporaryCredentials } from '../../src/protocol/credentials.ts'
import { findBlock } from '../support/readme-blocks.ts'
import { type EtcdCluster, startEtcd } from './etcd.ts'
import { binPath, startStack, type Stack } from './stack.ts'

const root = { accessKeyId: 'minio', secretAccessKey: 'a-root-secret-for-the-interop-tests' }
/** The longest wait of a request for etcd, plus time for a busy machine. */
const limitMs = 2000 + 3000

interface Server extends Stack {
  issue(): Promise<TemporaryCredentials>
  /** Returns `ok`, or the code of the refusal. */
  use(credentials: TemporaryCredentials): Promise<string>
  /** Returns the status of the answer. */
  revoke(query: string, signedBy: TemporaryCredentials | typeof root): Promise<number>
  isReady(): Promise<boolean>
}

async function startServer(
  endpoints: string,
  flags: string[] = [],
  settings: Readonly<Record<string, string>> = {},
): Promise<Server> {
  const stack = await startStack(['--bucket', 'my-bucketname', ...flags], {
    MINIO_ROOT_USER: root.accessKeyId,
    MINIO_ROOT_PASSWORD: root.secretAccessKey,
    MINIO_ETCD_ENDPOINTS: endpoints,
    ...settings,
  })
  const { stdout: token } = await execa(process.execPath, [binPath, 'token'], {
    env: stack.env,
    extendEnv: false,
  })
  return {
    ...stack,
    async issue() {
      const Action = 'AssumeRoleWithClientGrants'
      const form = new URLSearchParams({ Action, Version: '2011-06-15', Token: token })
      const answer = await fetch(stack.sts, { method: 'POST', body: form, ...timely() })
      const { credentials } = decodeStsAnswer(Action, answer.status, await answer.text())
      if (credentials === undefined) throw new Error('no credentials')
      return credentials
    },
    async use(credentials) {
      const client = new S3Client({
        endpoint: stack.sts,
        region: 'us-east-1',
        forcePathStyle: true,
        credentials,
        maxAttempts: 1,
      })
      return client.send(new ListBucketsCommand({}), { abortSignal: timely().signal }).then(
        () => 'ok',
        (error: Error) => error.name,
      )
    },
    async revoke(query, signedBy) {
      const url = new URL(`${stack.sts}/minio/admin/v3/revoke-tokens/openid?${query}`)
      const unsigned = { method: 'POST', url, headers: {}, payloadHash: emptySha256 }
      const { host: _, ...headers } = signRequest(unsigned, signedBy, {
        region: 'us-east-1',
        service: 's3',
        nowMs: Date.now(),
      })
      return (await fetch(url, { method: 'POST', headers, ...timely() })).status
    },
    isReady: async () => (await fetch(`${stack.sts}/minio/health/ready`, timely())).status === 200,
  }
}

/** Returns a signal by which a request that hangs fails the test. */
function timely(): { signal: AbortSignal } {
  return { signal: AbortSignal.timeout(limitMs) }
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 20))
}

describe('two servers with a three-member etcd', () => {
  let etcd: EtcdCluster
  let one: Server
  let other: Server

  beforeAll(async () => {
    etcd = await startEtcd(3)
    ;[one, other] = await Promise.all([startServer(etcd.endpoints), startServer(etcd.endpoints)])
  })
  afterAll(async () => {
    await Promise.all([one.stop(), other.stop()])
    await etcd.stop()
  })

  /** Checks that both servers issue credentials, accept each other's, and learn of each other's revocations. */
  async function expectSharing(): Promise<void> {
    const [first, second] = [await one.issue(), await other.issue()]
    expect([await other.use(first), await one.use(second)]).toEqual(['ok', 'ok'])
    expect(await one.revoke(`accessKey=${first.accessKeyId}`, first)).toBe(204)
    expect(await one.use(first)).toBe('InvalidAccessKeyId')
    await until(async () => (await other.use(first)) === 'InvalidAccessKeyId')
    expect(await other.use(second)).toBe('ok')
  }
  const untilReady = (): Promise<void> =>
    until(async () => (await one.isReady()) && (await other.isReady()))

  it('two servers share credentials under MinIO’s keys for their lifetime', async () => {
    const issued = await one.issue()
    expect(await other.use(issued)).toBe('ok')
    const key = `config/iam/sts/${issued.accessKeyId}/identity.json`
    const { value = '', granted = 0, ttl = 0 } = (await etcd.list('config/iam/sts/')).get(key) ?? {}
    expect(JSON.parse(value)).toMatchObject({
      version: 1,
      credentials: { accessKey: issued.accessKeyId, expiration: issued.expirationText },
    })
    const leftSeconds = (issued.expiration.getTime() - Date.now()) / 1000
    expect(ttl).toBeGreaterThanOrEqual(Math.floor(leftSeconds))
    expect(granted).toBeLessThanOrEqual(3600 + 20)
  })

  it('a server refuses within a second what the other revoked, and etcd loses its identity', async () => {
    const issued = await one.issue()
    expect(await other.use(issued)).toBe('ok')
    expect(await one.revoke(`accessKey=${issued.accessKeyId}`, root)).toBe(204)
    const revokedAtMs = Date.now()
    await until(async () => (await other.use(issued)) === 'InvalidAccessKeyId')
    expect(Date.now() - revokedAtMs).toBeLessThan(1000)
    const key = `config/iam/sts/${issued.accessKeyId}/identity.json`
    await until(async () => !(await etcd.list('config/iam/sts/')).has(key))
  })

  it('servers follow policies that are added to and removed from etcd', async () => {
    const flags = ['--client', 'me:a-client-secret:shared']
    const third = await startServer(etcd.endpoints, flags)
    const statement = { Effect: 'Allow', Action: 's3:ListAllMyBuckets', Resource: 'arn:aws:s3:::*' }
    const document = { Version: '2012-10-17', Statement: [statement] }
    try {
      await expect(third.issue()).rejects.toMatchObject({ code: 'InvalidParameterValue' })
      const key = 'config/iam/policies/shared/policy.json'
      await etcd.put(key, JSON.stringify({ Version: 1, Policy: document }))
      await until(() =>
        third.issue().then(
          () => true,
          () => false,
        ),
      )
      const issued = await third.issue()
      expect(await third.use(issued)).toBe('ok')
      await etcd.delete(key)
      await until(async () => (await third.use(issued)) === 'AccessDenied')
    } finally {
      await third.stop()
    }
  })

  it('two servers continue when any member is killed and restarted', async () => {
    for (const member of [0, 1, 2]) {
      await etcd.kill(member)
      await expectTimely()
      await untilReady()
      if (member !== 0) await expectSharing()
      await etcd.restart(member)
      await untilReady()
    }
    await expectSharing()
  })

  it('two servers continue when a member is paused, leader or not', async () => {
    const leader = await etcd.findLeader()
    for (const member of [leader, (leader + 1) % 3]) {
      etcd.pause(member)
      try {
        await expectTimely()
        await untilReady()
        await expectSharing()
      } finally {
        etcd.resume(member)
      }
      await untilReady()
    }
  })

  it('two servers continue when the leader moves and the history is compacted', async () => {
    await etcd.moveLeader()
    await expectTimely()
    await expectSharing()
    await etcd.compact()
    await untilReady()
    await expectSharing()
  })

  it('two servers continue without etcd, report it, and lose nothing', async () => {
    const before = await one.issue()
    for (const member of [0, 1, 2]) etcd.pause(member)
    await until(async () => !(await one.isReady()) && !(await other.isReady()))
    const during = await one.issue()
    // Derived credentials: any server with the root secret knows them.
    expect([await other.use(before), await other.use(during)]).toEqual(['ok', 'ok'])
    expect(await one.revoke(`accessKey=${during.accessKeyId}`, during)).toBe(503)
    expect(await one.use(during)).toBe('InvalidAccessKeyId')

    for (const member of [0, 1, 2]) etcd.resume(member)
    await untilReady()
    await until(async () => (await other.use(during)) === 'InvalidAccessKeyId')
    const later = await one.issue()
    const key = `config/iam/sts/${later.accessKeyId}/identity.json`
    expect((await etcd.list('config/iam/sts/')).has(key)).toBe(true)
    await expectSharing()
  })

  /** Checks that no request hangs: one that does fails the test. */
  async function expectTimely(): Promise<void> {
    const [first, second] = await Promise.all([one.issue(), other.issue()])
    expect(await Promise.all([one.use(second), other.use(first)])).toEqual(['ok', 'ok'])
  }
})

/** Starts a server that fails, and returns its exit code and its error with the hint. */
async function failToStart(env: Record<string, string>, flags: string[] = []) {
  const { exitCode, stderr, stdout } = await execa(
    process.execPath,
    [binPath, 'serve', '--address', '127.0.0.1:0', '--idp-address', '127.0.0.1:0', ...flags],
    { env: { PATH: process.env['PATH'] ?? '', ...env }, extendEnv: false, reject: false },
  )
  expect(stdout).toBe('')
  return { exitCode, stderr }
}

describe('etcd with access control', () => {
  it('serve requires the user that etcd knows', async () => {
    const etcd = await startEtcd(1)
    onTestFinished(() => etcd.stop())
    const server = await startServer(etcd.endpoints)
    await etcd.demandUser('sts', 'a-password-of-etcd')
    // Etcd now rejects the server, which connected without a user.
    await until(async () => !(await server.isReady()))
    await server.stop()

    const base = { MINIO_ETCD_ENDPOINTS: etcd.endpoints, MINIO_ETCD_USERNAME: 'sts' }
    expect(await failToStart({ MINIO_ETCD_ENDPOINTS: etcd.endpoints })).toEqual({
      exitCode: 77,
      stderr: expect.stringMatching(
        /^error: serve: etcd refused.*\n.*MINIO_ETCD_USERNAME/s,
      ) as string,
    })
    const wrong = await failToStart({ ...base, MINIO_ETCD_PASSWORD: 'another-password' })
    expect(wrong.exitCode).toBe(77)
    expect(wrong.stderr).not.toContain('another-password')

    const known = await startServer(etcd.endpoints, [], {
      ...base,
      MINIO_ETCD_PASSWORD: 'a-password-of-etcd',
    })
    const issued = await known.issue()
    expect(await known.revoke(`accessKey=${issued.accessKeyId}`, issued)).toBe(204)
    expect(await known.isReady()).toBe(true)
    await known.stop()
  })

  it('serve requires the certificates that etcd trusts, and a CA for etcd’s own', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'sts-cli-etcd-tls-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    const [cert, key] = [path.join(folder, 'etcd.pem'), path.join(folder, 'etcd.key')]
    // One certificate is CA, server and client here.
    const subject = ['-subj', '/CN=etcd', '-addext', 'subjectAltName=IP:127.0.0.1']
    const usage = ['-addext', 'extendedKeyUsage=serverAuth,clientAuth']
    const form = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert]
    await execa('openssl', ['req', ...form, ...subject, ...usage])
    const tls = ['--cert-file', cert, '--key-file', key, '--trusted-ca-file', cert]
    const etcd = await startEtcd(1, [...tls, '--client-cert-auth'])
    onTestFinished(() => etcd.stop())
    const pair = { MINIO_ETCD_CLIENT_CERT: cert, MINIO_ETCD_CLIENT_CERT_KEY: key }
    const server = await startServer(etcd.endpoints, ['--ca-file', cert], pair)
    expect(await server.use(await server.issue())).toBe('ok')
    expect(await server.isReady()).toBe(true)
    await server.stop()

    const base = { MINIO_ETCD_ENDPOINTS: etcd.endpoints }
    const stranger = await failToStart({ ...base, ...pair })
    expect(stranger).toMatchObject({
      exitCode: 69,
      stderr: expect.stringContaining('not trusted') as string,
    })
    expect(stranger.stderr).toContain('--ca-file')
    expect(await failToStart(base, ['--ca-file', cert])).toMatchObject({ exitCode: 69 })
  })
})

describe('etcd in README.md', () => {
  it('README.md’s block starts a server with shared state', async () => {
    const etcd = await startEtcd(1)
    onTestFinished(() => etcd.stop())
    const block = findBlock('Several servers sharing state by etcd 1').text
    const here = block
      .replace(/http:\S+/, etcd.endpoints)
      .replace(
        'sts-cli serve',
        `exec '${process.execPath}' '${binPath}' serve --json --address 127.0.0.1:0 --idp-address 127.0.0.1:0`,
      )
    expect(here).toContain(etcd.endpoints)
    const server = spawn('bash', ['-c', here.replace(/\$\(cat \S+\)/, root.secretAccessKey)], {
      env: { PATH: process.env['PATH'], HOME: '/nonexistent', XDG_STATE_HOME: '' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const line = await new Promise<string>((resolve) =>
      server.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString())),
    )
    expect(line).toContain('"event":"ready"')
    const ended = new Promise((resolve) => server.once('exit', resolve))
    server.kill('SIGTERM')
    expect(await ended).toBe(0)
  })
})
