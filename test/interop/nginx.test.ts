/** nginx before `serve`: it ends TLS, and passes on the Host header or changes it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { Agent as PlainAgent } from 'node:http'
import { Agent } from 'node:https'
import path from 'node:path'
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findBlock } from '../support/readme-blocks.ts'
import { findFreePort, waitUntilAnswering } from './free-port.ts'
import { binPath, pythonBin, startStack, type Stack } from './stack.ts'

const clientAddress = '127.0.0.2'
/** Allows everything by TLS from one address. */
const sessionPolicy = JSON.stringify({
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Action: 's3:*',
      Resource: 'arn:aws:s3:::*',
      Condition: {
        Bool: { 'aws:SecureTransport': 'true' },
        IpAddress: { 'aws:SourceIp': `${clientAddress}/32` },
      },
    },
  ],
})

interface Proxy {
  /** Ends TLS and passes on the client's Host. */
  readonly right: string
  /** Sends the upstream's own address as Host, which is nginx's default. */
  readonly wrong: string
  readonly caFile: string
  stop(): Promise<void>
}

async function startProxy({ sts, home }: Stack): Promise<Proxy> {
  const folder = path.join(home, 'nginx')
  await mkdir(folder)
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1']
  const files = ['-keyout', `${folder}/key.pem`, '-out', `${folder}/cert.pem`]
  await execa('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...files, ...subject])
  const [tlsPort, plainPort] = [await findFreePort(), await findFreePort()]
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join('\n')
  const ofReadme = findBlock('Behind a proxy 1').text.replace('http://127.0.0.1:9000', sts)
  const config = `
    daemon off;
    master_process off;
    pid ${folder}/pid;
    events {}
    http {
      access_log off;
      ${temporary}
      server {
        listen 127.0.0.1:${tlsPort} ssl;
        ssl_certificate ${folder}/cert.pem;
        ssl_certificate_key ${folder}/key.pem;
        ${ofReadme}
      }
      server {
        listen 127.0.0.1:${plainPort};
        location / { proxy_pass ${sts}; }
      }
    }`
  await writeFile(`${folder}/nginx.conf`, config)
  const argv = ['-p', folder, '-e', `${folder}/errors`, '-c', `${folder}/nginx.conf`]
  const settings = { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` }
  const child: ChildProcess = spawn('nginx', argv, { env: settings, stdio: 'ignore' })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  const wrong = `http://127.0.0.1:${plainPort}`
  await waitUntilAnswering(`${wrong}/minio/health/live`, ended)
  return {
    right: `https://127.0.0.1:${tlsPort}`,
    wrong,
    caFile: `${folder}/cert.pem`,
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}

async function issueCredentials(stack: Stack, ...flags: string[]) {
  const run = (...argv: string[]) =>
    execa(process.execPath, [binPath, ...argv], { env: stack.env, extendEnv: false })
  await run('login', '-q', ...flags)
  const { stdout } = await run('creds', '-f', 'process')
  const said = JSON.parse(stdout) as Record<string, string>
  return {
    accessKeyId: said['AccessKeyId'] ?? '',
    secretAccessKey: said['SecretAccessKey'] ?? '',
    sessionToken: said['SessionToken'] ?? '',
  }
}

describe.each([
  ['with --trusted-proxy', ['--trusted-proxy', '127.0.0.1/32'], 'allowed'],
  ['without --trusted-proxy', [], 'AccessDenied'],
])('serve behind nginx %s', (_how, flags, outcomeByPolicy) => {
  let stack: Stack
  let proxy: Proxy
  beforeAll(async () => {
    stack = await startStack([...flags, '--bucket', 'behind'])
    proxy = await startProxy(stack)
  })
  afterAll(async () => {
    await proxy.stop()
    await stack.stop()
  })

  async function open(endpoint: string, ...loginFlags: string[]): Promise<S3Client> {
    const ca = await readFile(proxy.caFile)
    const settings = { localAddress: clientAddress }
    return new S3Client({
      endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      maxAttempts: 1,
      credentials: await issueCredentials(stack, ...loginFlags),
      requestHandler: {
        httpAgent: new PlainAgent(settings),
        httpsAgent: new Agent({ ...settings, ca }),
      },
    })
  }
  const target = { Bucket: 'behind', Key: 'some folder/small+ü' }

  it('requests are served when nginx ends TLS and passes on the Host header', async () => {
    const s3 = await open(proxy.right)
    await s3.send(new PutObjectCommand({ ...target, Body: 'Hello, World' }))
    const got = await s3.send(new GetObjectCommand(target))
    expect(await got.Body?.transformToString()).toBe('Hello, World')
  })

  it('the AWS CLI copies 30 MiB in parts there and back through nginx', async () => {
    const file = path.join(stack.home, 'big')
    await writeFile(file, Buffer.alloc(30 * 1024 * 1024, 'some text'))
    const { accessKeyId, secretAccessKey, sessionToken } = await issueCredentials(stack)
    const env = {
      ...stack.env,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_SESSION_TOKEN: sessionToken,
      AWS_REGION: 'us-east-1',
      AWS_ENDPOINT_URL_S3: proxy.right,
      AWS_CA_BUNDLE: proxy.caFile,
    }
    const copy = async (...argv: string[]): Promise<unknown> =>
      execa(pythonBin('aws'), ['s3', 'cp', ...argv, '--no-progress'], { env, extendEnv: false })
    await copy(file, 's3://behind/big')
    await copy('s3://behind/big', `${file}.back`)
    expect((await readFile(`${file}.back`)).equals(await readFile(file))).toBe(true)
  })

  it('a request is SignatureDoesNotMatch when nginx sends another Host', async () => {
    const s3 = await open(proxy.wrong)
    const sent = s3.send(new GetObjectCommand(target))
    await expect(sent).rejects.toMatchObject({ name: 'SignatureDoesNotMatch' })
  })

  it(`a policy on aws:SecureTransport and aws:SourceIp: ${outcomeByPolicy}`, async () => {
    const s3 = await open(proxy.right, '--policy', sessionPolicy)
    const sent = s3.send(new PutObjectCommand({ ...target, Body: 'by policy' })).then(
      () => 'allowed',
      (error: Error) => error.name,
    )
    expect(await sent).toBe(outcomeByPolicy)
  })
})
