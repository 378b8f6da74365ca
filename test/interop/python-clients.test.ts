import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { logIn, pythonBin, startStack, type Stack } from './stack.ts'

let stack: Stack
let env: Record<string, string>

beforeAll(async () => {
  stack = await startStack()
  env = await logIn(stack)
})
afterAll(() => stack.stop())

describe('boto3', () => {
  it('boto3 does everyday operations with credentials of `sts-cli env`', async () => {
    const script = path.join(import.meta.dirname, 'everyday.py')
    const argv = [script, 'boto3-bucket', path.join(stack.home, 'big')]
    const { stdout } = await execa(pythonBin('python3'), argv, { env, extendEnv: false })

    expect(stdout.split('\n')).toEqual([
      'put and get',
      'multipart put and get of 12 MiB',
      'range',
      'list in pages',
      'presigned get',
      'upload form',
      'conditional put refused',
      'copy, multi-delete and delete of the bucket',
      'get-caller-identity',
    ])
  })

  it('boto3 reads what nobody set on a bucket, sets CORS rules, sends ACLs and lists versions', async () => {
    const argv = [path.join(import.meta.dirname, 'settings.py'), 'settings-bucket']
    const { stdout } = await execa(pythonBin('python3'), argv, { env, extendEnv: false })
    expect(stdout.split('\n')).toEqual(['what is not set', 'CORS', 'ACLs', 'versions'])
  })
})

async function aws(...argv: string[]): Promise<string> {
  const awsEnv = { AWS_EC2_METADATA_DISABLED: 'true', ...env }
  const { stdout } = await execa(pythonBin('aws'), argv, { env: awsEnv, extendEnv: false })
  return stdout
}

describe('AWS CLI', () => {
  it('the AWS CLI makes a bucket, copies 12 MiB there and back, lists, presigns and deletes', async () => {
    const big = randomBytes(12 * 1024 * 1024)
    const file = path.join(stack.home, 'cli-big')
    await writeFile(file, big)

    await aws('s3', 'mb', 's3://cli-bucket')
    await aws('s3', 'cp', file, 's3://cli-bucket/some folder/big', '--no-progress')
    expect(await aws('s3', 'ls')).toContain('cli-bucket')
    expect(await aws('s3', 'ls', 's3://cli-bucket/some folder/')).toMatch(/12582912 big$/)
    await aws('s3', 'cp', 's3://cli-bucket/some folder/big', `${file}.back`, '--no-progress')
    expect((await readFile(`${file}.back`)).equals(big)).toBe(true)

    const url = await aws('s3', 'presign', 's3://cli-bucket/some folder/big')
    const answer = await fetch(url.trim())
    expect(answer.status).toBe(200)
    expect(Buffer.from(await answer.arrayBuffer()).equals(big)).toBe(true)

    await aws('s3', 'rb', 's3://cli-bucket', '--force')
    expect(await aws('s3', 'ls')).not.toContain('cli-bucket')
  })

  it('the AWS CLI prints the caller’s identity', async () => {
    expect(JSON.parse(await aws('sts', 'get-caller-identity'))).toHaveProperty('Arn')
  })
})
