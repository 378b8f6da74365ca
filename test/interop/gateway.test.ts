import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { Readable } from 'node:stream'
import {
  CreateBucketCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startMoto, type Moto } from './moto.ts'
import { logIn, pythonBin, startStack, type Stack } from './stack.ts'

const root = {
  MINIO_ROOT_USER: 'upstream-key',
  MINIO_ROOT_PASSWORD: 'a-secret-of-the-upstream-of-32-chars',
}

async function runPython(
  script: string,
  env: Readonly<Record<string, string>>,
  ...argv: string[]
): Promise<string[]> {
  const file = path.join(import.meta.dirname, script)
  const { stdout } = await execa(pythonBin('python3'), [file, ...argv], { env, extendEnv: false })
  return stdout.split('\n')
}

describe('gateway to moto', () => {
  let moto: Moto
  let stack: Stack
  let env: Record<string, string>

  beforeAll(async () => {
    moto = await startMoto()
    stack = await startStack(['--gateway', '--stateless', moto.url], root)
    env = await logIn(stack)
  })
  afterAll(async () => {
    await stack.stop()
    await moto.stop()
  })

  it('a gateway to moto supports the everyday operations of boto3', async () => {
    const steps = await runPython('everyday.py', env, 'boto3-bucket', path.join(stack.home, 'big'))
    expect(steps).toHaveLength(9)
    expect(steps.at(-1)).toBe('get-caller-identity')
  })

  it('a gateway to moto supports operations that the embedded store lacks', async () => {
    expect(await runPython('beyond.py', env)).toEqual([
      'versions',
      'tags',
      'lifecycle, CORS and encryption of a bucket',
      'ACLs',
      'multi-delete of versions',
      'locks',
      'errors',
    ])
  })

  it('a gateway to moto lets the AWS CLI make a bucket and copy 12 MiB there and back', async () => {
    const aws = async (...argv: string[]): Promise<string> => {
      const awsEnv = { AWS_EC2_METADATA_DISABLED: 'true', ...env }
      const { stdout } = await execa(pythonBin('aws'), argv, { env: awsEnv, extendEnv: false })
      return stdout
    }
    const big = randomBytes(12 * 1024 * 1024)
    const file = path.join(stack.home, 'cli-big')
    await writeFile(file, big)
    await aws('s3', 'mb', 's3://cli-bucket')
    await aws('s3', 'cp', file, 's3://cli-bucket/some folder/big', '--no-progress')
    expect(await aws('s3', 'ls', 's3://cli-bucket/some folder/')).toMatch(/12582912 big$/)
    await aws('s3', 'cp', 's3://cli-bucket/some folder/big', `${file}.back`, '--no-progress')
    expect((await readFile(`${file}.back`)).equals(big)).toBe(true)
  })

  it('a gateway to moto keeps the checksum that the AWS SDK sends after a stream', async () => {
    const credentials = {
      accessKeyId: env['AWS_ACCESS_KEY_ID'] ?? '',
      secretAccessKey: env['AWS_SECRET_ACCESS_KEY'] ?? '',
      sessionToken: env['AWS_SESSION_TOKEN'] ?? '',
    }
    const s3 = new S3Client({
      region: 'us-east-1',
      endpoint: stack.sts,
      forcePathStyle: true,
      credentials,
    })
    const data = randomBytes(3_000_001)
    const body = Readable.from([data.subarray(0, 1000), data.subarray(1000)], { objectMode: false })
    const object = { Bucket: 'sdk-bucket', Key: 'stream' }
    await s3.send(new CreateBucketCommand({ Bucket: object.Bucket }))
    const put = new PutObjectCommand({ ...object, Body: body, ContentLength: data.length })
    await s3.send(put)

    const got = await s3.send(new GetObjectCommand({ ...object, ChecksumMode: 'ENABLED' }))
    expect(got.ChecksumCRC32).toMatch(/^.{6}==$/)
    expect(got.ContentEncoding).toBeUndefined()
    expect(Buffer.from((await got.Body?.transformToByteArray()) ?? []).equals(data)).toBe(true)
  })
})

describe('gateway to another sts-cli', () => {
  it('a gateway keeps only a small part of a large object in memory', async () => {
    const upstream = await startStack(['--no-idp'], root)
    const gateway = await startStack(['--stateless', '--gateway', upstream.sts], root)
    try {
      const env = await logIn(gateway)
      expect(await runPython('large.py', env, path.join(gateway.home, 'large'))).toEqual([
        '300 MiB there and back',
      ])
      const status = await readFile(`/proc/${gateway.pid}/status`, 'utf8')
      const peakMebibytes = Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) / 1024
      expect(peakMebibytes).toBeLessThan(250)
    } finally {
      await gateway.stop()
      await upstream.stop()
    }
  })
})
