import { once } from 'node:events'
import { readFile, readdir, stat, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { binPath, freePorts, openHome } from '../support/e2e/harness.ts'

const modeOf = async (file: string): Promise<number> => (await stat(file)).mode & 0o777

describe('sts-cli serve', () => {
  it('serve prints one line of JSON with its addresses when it is ready', async () => {
    const home = await openHome()
    const serving = await home.serve()

    expect(serving.stdout().match(/\n/g)).toHaveLength(1)
    expect(Object.keys(serving.ready)).toEqual([
      'event',
      'sts',
      'idp',
      'jwks',
      'caFile',
      'clientId',
      'clientSecret',
      'accessKey',
      'secretKey',
      'aws',
      'pid',
    ])
    expect(serving.ready.pid).toBe(serving.child.pid)
    expect(serving.ready.idp).toMatch(/^https:\/\/localhost:\d+\/oauth2\/token$/)
    expect(await serving.stop()).toBe(0)
  })

  it('login finds a local server, and a shell evaluates the credentials', async () => {
    const home = await openHome()
    const { ready } = await home.serve(['--bucket', 'my-bucketname'])

    expect(await home.cli(['login', '-q'])).toEqual({ code: 0, stdout: '', stderr: '' })
    for (const shell of ['bash', 'sh']) {
      const script = 'eval $(sts-cli env); echo "$AWS_ENDPOINT_URL_S3 ${#AWS_SECRET_ACCESS_KEY}"'
      expect((await home.shell(shell, script)).stdout).toBe(`${ready.sts} 40\n`)
    }
  })

  it('an evaluation in a shell fails when env fails', async () => {
    const home = await openHome()
    const { code } = await home.shell('sh', 'set -e; eval "$(sts-cli env)"; exit 0')
    expect(code).toBe(1)
  })

  it('serve publishes private files, and removes them when it stops', async () => {
    const home = await openHome()
    const readyFile = path.join(home.folder, 'ready.json')
    const serving = await home.serve(['--ready-file', readyFile])
    const state = path.join(home.folder, '.local', 'state', 'sts-cli')

    expect(JSON.parse(await readFile(readyFile, 'utf8'))).toEqual(serving.ready)
    expect(await modeOf(readyFile)).toBe(0o600)
    expect(await modeOf(state)).toBe(0o700)
    for (const name of await readdir(state))
      expect(await modeOf(path.join(state, name))).toBe(0o600)
    expect(await readdir(state)).toHaveLength(2)

    await serving.stop()
    expect(await readdir(state)).toEqual([])
    expect(await readdir(home.folder)).toEqual(['.local'])
  })

  it('a server that stops leaves the state of a later one', async () => {
    const home = await openHome()
    const first = await home.serve()
    const second = await home.serve()
    await first.stop()

    await home.cli(['login', '-q'])
    expect((await home.cli(['status'])).stdout).toContain(second.ready.sts)
  })

  it('serve ends at once at the second signal', async () => {
    const home = await openHome()
    const serving = await home.serve()
    // A request that never ends delays the first signal.
    const { port } = new URL(serving.ready.sts)
    const upload = await openUpload(Number(port))
    serving.child.kill('SIGTERM')
    await upload.refused()
    serving.child.kill('SIGINT')
    expect(await once(serving.child, 'exit')).toEqual([130, null])
  })

  it('serve stores objects as plain files across restarts', async () => {
    const home = await openHome()
    const directory = path.join(home.folder, 'data')
    const first = await home.serve([directory, '--bucket', 'my-bucketname'])
    const { clientId, clientSecret } = first.ready
    const upload = await home.cli(['-cid', clientId, '-csec', clientSecret])
    expect(upload.stderr).toBe('Uploaded my-objectname of size: 12 Successfully.\n')
    await first.stop()

    expect(await readFile(path.join(directory, 'my-bucketname', 'my-objectname'), 'utf8')).toBe(
      'Hello, World',
    )
    const second = await home.serve([directory])
    expect(second.ready.sts).not.toBe('')
  })

  it('serve restricts credentials to a custom policy', async () => {
    const home = await openHome()
    const file = path.join(home.folder, 'put-only.json')
    const statement = { Effect: 'Allow', Action: 's3:PutObject', Resource: 'arn:aws:s3:::other/*' }
    await writeFile(file, JSON.stringify({ Version: '2012-10-17', Statement: [statement] }))
    await home.serve([
      '--bucket',
      'my-bucketname',
      '--policy',
      `put-other=${file}`,
      '--client',
      'me:secret:put-other',
    ])

    const { code, stderr } = await home.cli(['-cid', 'me', '-csec', 'secret'])
    expect(code).toBe(1)
    expect(stderr).toContain('no statement allows s3:PutObject (policies: put-other)')
  })

  it('serve --tls has a certificate that login trusts', async () => {
    const home = await openHome()
    const { ready } = await home.serve(['--tls'])
    expect(ready.sts).toMatch(/^https:/)
    expect((await home.cli(['login', '-q'])).code).toBe(0)
  })

  it.each([
    ['MINIO_IAM_JWKS_URL', (idp: { jwks: string }) => idp.jwks],
    [
      'MINIO_IDENTITY_OPENID_CONFIG_URL',
      (idp: { idp: string }) => `${idp.idp}/.well-known/openid-configuration`,
    ],
  ])('serve trusts the issuer of %s through a private CA', async (name, find) => {
    const provider = await (await openHome()).serve()
    const { idp, caFile, clientId, clientSecret } = provider.ready
    const home = await openHome()
    const server = await home.serve(['--ca-file', caFile], { [name]: find(provider.ready) })

    expect(server.ready.clientId).toBeUndefined()
    const login = ['login', '-q', '-cid', clientId, '-csec', clientSecret, '--ca-file', caFile]
    const good = await home.cli([...login, '-idp-ep', idp, '-sts-ep', server.ready.sts])
    expect(good).toEqual({ code: 0, stdout: '', stderr: '' })
  })
})

const serveAnd = (...command: string[]): string[] => ['serve', ...freePorts, '--', ...command]

describe('sts-cli serve -- COMMAND', () => {
  it('serve runs a command with credentials, ends with its exit code and stops', async () => {
    const home = await openHome()
    const script = 'echo "$AWS_ENDPOINT_URL_S3 $AWS_ACCESS_KEY_ID $STS_CLI_CLIENT_ID"; exit 7'
    const { code, stdout, stderr } = await home.cli(serveAnd('sh', '-c', script))

    expect({ code, stderr }).toEqual({ code: 7, stderr: '' })
    const [endpoint = '', accessKey, clientId] = stdout.trim().split(' ')
    expect(accessKey).toMatch(/^[A-Z0-9]{20}$/)
    expect(clientId).toBe('demo')
    await expect(fetch(endpoint)).rejects.toThrow('fetch failed')
  })

  it('sts-cli can log in within a command of serve', async () => {
    const home = await openHome()
    const again = [process.execPath, binPath, 'login', '--cache', 'none', '--field', 'accessKeyId']
    const { code, stdout } = await home.cli(serveAnd(...again))
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^[A-Z0-9]{20}\n$/) })
  })

  it('serve exits 127 when its command is not found', async () => {
    const home = await openHome()
    const { code, stderr } = await home.cli(serveAnd('no-such-program'))
    expect({ code, stderr }).toEqual({
      code: 127,
      stderr: 'error: serve: there is no program no-such-program\n',
    })
  })
})

interface Upload {
  /** Resolves when the server has stopped listening. */
  refused(): Promise<void>
}

async function openUpload(port: number): Promise<Upload> {
  const { connect } = await import('node:net')
  const socket = connect(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => {})
  await once(socket, 'connect')
  socket.write(
    'POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 9\r\n\r\nA',
  )
  return {
    async refused() {
      for (;;) {
        const probe = connect(port, '127.0.0.1')
        const isOpen = await new Promise<boolean>((resolve) => {
          probe.once('connect', () => resolve(true))
          probe.once('error', () => resolve(false))
        })
        probe.destroy()
        if (!isOpen) return
      }
    },
  }
}

describe('refused start of sts-cli serve', () => {
  it.each([
    { what: 'an invalid address', flags: ['--address', 'here'], code: 64, says: 'HOST:PORT' },
    { what: 'a client without a secret', flags: ['--client', 'me'], code: 64, says: 'ID:SECRET' },
    { what: 'two directories', flags: ['a', 'b'], code: 64, says: 'one directory' },
    {
      what: 'a missing policy file',
      flags: ['--policy', 'a=/none'],
      code: 66,
      says: '/none',
    },
    { what: 'a policy without a file', flags: ['--policy', 'a'], code: 64, says: 'NAME=FILE' },
    {
      what: 'an invalid bucket name',
      flags: ['--bucket', 'Not A Bucket'],
      code: 78,
      says: '3 to 63',
    },
    { what: 'half a certificate', flags: ['--tls-cert', '/none'], code: 64, says: '--tls-key' },
    {
      what: 'a minimum duration over the maximum',
      flags: ['--min-duration', '9000', '--max-duration', '900'],
      code: 64,
      says: 'longer',
    },
    {
      what: 'an impossible directory',
      flags: ['/dev/null/data'],
      code: 73,
      says: 'cannot keep objects in',
    },
    {
      what: 'the demo client on a non-loopback address',
      flags: ['--address', '0.0.0.0:0'],
      code: 78,
      says: 'allow-remote',
    },
    {
      what: 'a short root secret on a non-loopback address',
      flags: ['--address', '0.0.0.0:0', '--client', 'me:secret'],
      env: { MINIO_ROOT_USER: 'minio', MINIO_ROOT_PASSWORD: 'minio123' },
      code: 78,
      says: 'MINIO_ROOT_PASSWORD',
    },
    {
      what: 'users on a non-loopback address',
      flags: ['--idp-address', '0.0.0.0:0', '--client', 'me:secret', '--user', 'alice:secret'],
      code: 78,
      says: 'allow-remote',
    },
    { what: 'a user without a password', flags: ['--user', 'alice'], code: 64, says: 'NAME:PASS' },
    {
      what: 'two users of one name',
      flags: ['--user', 'alice:a', '--user', 'alice:b'],
      code: 64,
      says: 'the same name',
    },
    {
      what: 'two clients of one name',
      flags: ['--client', 'a:a', '--client', 'a:b'],
      code: 64,
      says: 'two --client have the same name',
    },
    {
      what: 'a client that no token request can name',
      flags: ['--client', 'café:secret'],
      code: 64,
      says: 'printable ASCII',
    },
    {
      what: 'users without a provider',
      flags: ['--no-idp', '--user', 'alice:a'],
      code: 64,
      says: '--user and --no-idp',
    },
    {
      what: 'users of an external provider',
      flags: ['--user', 'alice:a'],
      env: { MINIO_IAM_JWKS_URL: 'http://localhost:1/jwks' },
      code: 64,
      says: '--user and MINIO_IAM_JWKS_URL',
    },
    {
      what: 'only one of the two root variables',
      env: { MINIO_ROOT_USER: 'minio' },
      code: 78,
      says: 'belong together',
    },
    {
      what: 'a root secret too short for MinIO',
      env: { MINIO_ACCESS_KEY: 'minio', MINIO_SECRET_KEY: 'minio12' },
      code: 78,
      says: 'at least 8',
    },
    {
      what: 'an etcd that does not answer',
      env: { MINIO_ETCD_ENDPOINTS: 'http://127.0.0.1:9' },
      code: 69,
      says: 'etcd at http://127.0.0.1:9 does not answer',
    },
    {
      what: 'an invalid etcd endpoint',
      env: { MINIO_ETCD_ENDPOINTS: 'http://127.0.0.1:2379,localhost:2379' },
      code: 78,
      says: '"localhost:2379"',
    },
    {
      what: 'half of etcd’s client certificate',
      env: { MINIO_ETCD_ENDPOINTS: 'https://127.0.0.1:9', MINIO_ETCD_CLIENT_CERT: 'client.pem' },
      code: 78,
      says: 'MINIO_ETCD_CLIENT_CERT_KEY',
    },
    {
      what: 'half of etcd’s user',
      env: { MINIO_ETCD_ENDPOINTS: 'http://127.0.0.1:9', MINIO_ETCD_USERNAME: 'root' },
      code: 78,
      says: 'MINIO_ETCD_PASSWORD',
    },
    {
      what: 'a password in etcd’s URL',
      env: { MINIO_ETCD_ENDPOINTS: 'root:secret@127.0.0.1:9' },
      code: 78,
      says: 'must not hold a user name or password',
    },
    {
      what: 'both a key set and a discovery document',
      env: {
        MINIO_IAM_JWKS_URL: 'http://localhost:1/jwks',
        MINIO_IDENTITY_OPENID_CONFIG_URL: 'http://localhost:1/openid-configuration',
      },
      code: 78,
      says: 'are both set',
    },
    {
      what: 'a CA file without a certificate',
      flags: ['--ca-file', 'package.json'],
      code: 65,
      says: 'the CA file package.json holds no certificate',
    },
    {
      what: 'an invalid key set URL',
      env: { MINIO_IAM_JWKS_URL: 'localhost' },
      code: 78,
      says: 'MINIO_IAM_JWKS_URL',
    },
  ])('serve does not start with $what', async ({ flags = [], env = {}, code, says }) => {
    const home = await openHome()
    const ran = await home.cli(['serve', ...freePorts, ...flags], { env })
    expect({ code: ran.code, stdout: ran.stdout }).toEqual({ code, stdout: '' })
    expect(ran.stderr).toMatch(/^error: (serve|config): /)
    expect(ran.stderr).toContain(says)
  })

  it('serve does not start on a port in use, and leaves no files', async () => {
    const home = await openHome()
    const other = createServer()
    onTestFinished(() => void other.close())
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as AddressInfo
    const ran = await home.cli(['serve', ...freePorts, '--address', `127.0.0.1:${port}`])

    expect(ran).toEqual({
      code: 69,
      stdout: '',
      stderr: `error: serve: port ${port} is in use\nhint: choose another with --address, or port 0 for a free one\n`,
    })
    expect(await readdir(home.folder)).toEqual([])
  })
})

describe('sts-cli serve --gateway', () => {
  it('a gateway is ready only while its upstream answers, and stops cleanly without it', async () => {
    const home = await openHome()
    const upstream = await home.serve(['--no-idp'])
    const { accessKey, secretKey, sts } = upstream.ready
    const keys = { MINIO_ROOT_USER: accessKey, MINIO_ROOT_PASSWORD: secretKey }
    const gateway = await home.serve(['--stateless', '--gateway', sts], keys)
    const readiness = async (): Promise<number> =>
      (await fetch(`${gateway.ready.sts}/minio/health/ready`)).status

    expect(await readiness()).toBe(200)
    await upstream.stop()
    await expect.poll(readiness).toBe(503)
    expect(gateway.stderr()).toContain('the upstream S3 does not serve the gateway')
    expect(gateway.stderr()).not.toContain(secretKey)
    expect(await gateway.stop()).toBe(0)
  })

  it('a gateway without a reachable upstream reports that in one line', async () => {
    const home = await openHome()
    const keys = { MINIO_ROOT_USER: 'root', MINIO_ROOT_PASSWORD: 'a-root-secret-of-some-length' }
    const env = { ...home.env, ...keys }
    const argv = ['serve', ...freePorts, '--stateless', '--gateway', 'http://127.0.0.1:1']
    const { code, stderr } = await home.cli(argv, { env })
    expect(code).toBe(69)
    expect(stderr).toMatch(
      /^error: serve: http:\/\/127\.0\.0\.1:1: the upstream S3 cannot be reached \(ECONNREFUSED\)\nhint: .+\n$/,
    )
  })
})
