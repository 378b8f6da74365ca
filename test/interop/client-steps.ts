/** The steps that each S3 client of the suite goes through, and what must be in the bucket afterwards. */
import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3'
import { execa } from 'execa'
import { expect } from 'vitest'
import { installPath, logIn, startStack, type Stack } from './stack.ts'

/** The lifetime in the tests that outlive it. Most SDKs renew credentials of so short a lifetime before each request. */
export const lifetimeSeconds = 10
/** More than two lifetimes. */
export const runSeconds = 24

const bigBytes = 30 * 1024 * 1024
const small = 'some folder/small+ü'

/** The line of JSON that a client's program prints after the steps. */
interface StepsDone {
  /** SHA-256 of the small and of the big object, as the client read them. */
  readonly read: readonly string[]
  readonly listed: readonly string[]
  /** The list after the small object was deleted. Missing if the client cannot delete. */
  readonly left?: readonly string[]
}

export interface Workplace {
  readonly stack: Stack
  /** The folder of the files `small` and `big`. */
  readonly folder: string
  /** The environment with one set of temporary credentials, as `sts-cli env` leaves it. */
  readonly env: Readonly<Record<string, string>>
  /** The environment without keys, where the default profile has a `credential_process` that gives short-lived ones. */
  readonly renewingEnv: Readonly<Record<string, string>>
  readonly s3: S3Client
  makeBucket(name: string): Promise<string>
  /** Expects `kept/big` in the bucket, as it was written, in parts. */
  expectBig(bucket: string): Promise<void>
  /** Runs a program to its end and returns its standard output. @throws {Error} With the end of its output when it fails. */
  run(argv: readonly string[], env: Readonly<Record<string, string>>): Promise<string>
  stop(): Promise<void>
}

/** Starts a server, logs in, and writes the files that the clients upload. */
export async function openWorkplace(flags: readonly string[] = []): Promise<Workplace> {
  const stack = await startStack(['--min-duration', '1', ...flags])
  const folder = stack.home
  await writeFile(path.join(folder, 'small'), 'Hello, World')
  await writeFile(path.join(folder, 'big'), randomBytes(bigBytes))
  const common = {
    PATH: await installPath(folder),
    // The programs' folder stays as it is.
    PYTHONDONTWRITEBYTECODE: '1',
    // Java prints in the locale's encoding.
    LC_ALL: 'C.UTF-8',
    // Clients on a machine without a metadata service would wait for it.
    AWS_EC2_METADATA_DISABLED: 'true',
    // Programs in Rust refuse plain HTTP otherwise.
    AWS_ALLOW_HTTP: 'true',
  }
  const env: Record<string, string> = { ...(await logIn(stack)), ...common }
  const s3 = new S3Client({
    endpoint: stack.sts,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: {
      accessKeyId: env['AWS_ACCESS_KEY_ID'] ?? '',
      secretAccessKey: env['AWS_SECRET_ACCESS_KEY'] ?? '',
      sessionToken: env['AWS_SESSION_TOKEN'] ?? '',
    },
  })
  return {
    stack,
    folder,
    env,
    renewingEnv: { ...stack.env, ...common, ...(await writeProfile(stack)) },
    s3,
    async makeBucket(name) {
      await s3.send(new CreateBucketCommand({ Bucket: name }))
      return name
    },
    async expectBig(bucket) {
      const got = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: 'kept/big' }))
      const content = Buffer.from((await got.Body?.transformToByteArray()) ?? [])
      expect(content.equals(await readFile(path.join(folder, 'big')))).toBe(true)
      expect(got.ETag).toMatch(/-[1-9]\d*"$/)
    },
    async run([command = '', ...argv], settings) {
      const options = { env: settings, extendEnv: false, cwd: folder, reject: false } as const
      const { failed, message, stdout } = await execa(command, argv, options)
      if (failed) throw new Error(message?.slice(-4000))
      return stdout
    },
    async stop() {
      s3.destroy()
      await stack.stop()
    },
  }
}

async function writeProfile(stack: Stack): Promise<Record<string, string>> {
  const config = path.join(stack.home, 'renewing', 'config')
  const command = `${path.join(stack.home, 'bin', 'sts-cli')} credential-process`
  await mkdir(path.dirname(config))
  await writeFile(
    config,
    `[default]\ncredential_process = ${command} --duration ${lifetimeSeconds}\n`,
  )
  return {
    AWS_CONFIG_FILE: config,
    AWS_ENDPOINT_URL_S3: stack.sts,
    AWS_ENDPOINT_URL_STS: stack.sts,
    AWS_REGION: 'us-east-1',
    AWS_DEFAULT_REGION: 'us-east-1',
    STS_CLI_FLAGS: `--duration ${lifetimeSeconds}`,
  }
}

export interface Expected {
  /** Which keys the client lists, if it does not list the objects themselves. */
  readonly names?: readonly [small: string, big: string]
  readonly cannotDelete?: boolean
  /** Objects that stay when the small one was deleted. */
  readonly stays?: RegExp
}

/** Expects that the client read back what it wrote, in parts, listed it, and deleted the small object: by its own word, and by the bucket. */
export async function expectSteps(
  workplace: Workplace,
  bucket: string,
  stdout: string,
  { names = [small, 'kept/big'], cannotDelete = false, stays = /^$/ }: Expected = {},
): Promise<void> {
  const { s3, folder } = workplace
  const files = [
    await readFile(path.join(folder, 'small')),
    await readFile(path.join(folder, 'big')),
  ]
  const lists = cannotDelete ? {} : { left: [names[1]] }
  const { read, ...done } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as StepsDone
  // Some programs print their lists sorted.
  expect({ ...done, read: read.toSorted() }).toEqual({
    read: files.map(sha256).toSorted(),
    listed: [...names].toSorted(),
    ...lists,
  })

  const { Contents: objects = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket }))
  const big = objects.filter(({ Size: size = 0 }) => size >= bigBytes)
  expect(big.map(({ ETag: tag }) => tag)).toEqual([expect.stringMatching(/-[1-9]\d*"$/)])
  const smallOnes = objects.map(({ Key: key = '' }) => key).filter((key) => key.includes('small'))
  if (!cannotDelete) expect(smallOnes.filter((key) => !stays.test(key))).toEqual([])
  if (big[0]?.Key === 'kept/big' && big[0].Size === bigBytes) await workplace.expectBig(bucket)
}

const sha256 = (content: Buffer): string => createHash('sha256').update(content).digest('hex')
