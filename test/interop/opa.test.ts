import { S3Client, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findFreePort } from './free-port.ts'
import { type Opa, startOpa } from './opa.ts'
import { logIn, startStack, type Stack } from './stack.ts'

const root = { accessKeyId: 'minio', secretAccessKey: 'minio123' }
const target = { Bucket: 'my-bucketname', Key: 'my-objectname' }

let port: number
let opa: Opa
let stack: Stack
let env: Record<string, string>

beforeAll(async () => {
  port = await findFreePort()
  opa = await startOpa(port)
  stack = await startStack(['--bucket', 'my-bucketname'], {
    MINIO_ACCESS_KEY: root.accessKeyId,
    MINIO_SECRET_KEY: root.secretAccessKey,
    MINIO_IAM_OPA_URL: `http://127.0.0.1:${port}/v1/data/httpapi/authz`,
  })
  env = await logIn(stack)
})
afterAll(async () => {
  await stack.stop()
  await opa.stop()
})

/** What became of a request: `allowed`, or the error's name. */
function outcome(sent: Promise<unknown>): Promise<string> {
  return sent.then(
    () => 'allowed',
    (error: Error) => error.name,
  )
}

function connect(credentials: {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
}) {
  const s3 = new S3Client({
    endpoint: stack.sts,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials,
    maxAttempts: 1,
  })
  return {
    put: () => outcome(s3.send(new PutObjectCommand({ ...target, Body: 'Hello, World' }))),
    get: () => outcome(s3.send(new GetObjectCommand(target))),
  }
}

const session = () =>
  connect({
    accessKeyId: env['AWS_ACCESS_KEY_ID'] ?? '',
    secretAccessKey: env['AWS_SECRET_ACCESS_KEY'] ?? '',
    sessionToken: env['AWS_SESSION_TOKEN'] ?? '',
  })
const isReady = async (): Promise<boolean> =>
  (await fetch(`${stack.sts}/minio/health/ready`)).status === 200

describe('OPA with the quickstart’s own rule', () => {
  it('lets a session put and nothing else, and root not even that', async () => {
    expect([await session().put(), await session().get()]).toEqual(['allowed', 'AccessDenied'])
    expect([await connect(root).put(), await connect(root).get()]).toEqual([
      'AccessDenied',
      'AccessDenied',
    ])
    expect(await isReady()).toBe(true)
  })

  it('denies all when it is gone, says so in its readiness, and is asked again when it is back', async () => {
    await opa.stop()
    expect(await session().put()).toBe('AccessDenied')
    expect(await isReady()).toBe(false)

    opa = await startOpa(port)
    expect(await session().put()).toBe('allowed')
    expect(await isReady()).toBe(true)
  })
})
