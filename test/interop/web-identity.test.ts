/** Unmodified SDKs that exchange the token of a file by themselves: for a role, by the token's claim, and again when their credentials expire. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { lifetimeSeconds, runSeconds } from './client-steps.ts'
import { cachedPath, pythonBin, startStack, type LogLine, type Stack } from './stack.ts'
import { startTokenIssuer, type TokenIssuer } from './token-issuer.ts'

const script = (name: string): string => path.join(import.meta.dirname, 'web-identity', name)
/** The JVM compiles little: the programs end soon. */
const java = (program: string): [string, ...string[]] => {
  const classPath = `${cachedPath('java', 'classes')}:${cachedPath('java', 'jars')}/*`
  return ['java', '-XX:TieredStopAtLevel=1', '-Xmx512m', '-cp', classPath, program]
}

const rust = 'Rust’s object_store'

/** SDK → its program, which takes BUCKET FILE SECONDS, and prints how often it wrote, read, listed and deleted an object. */
const sdks: Readonly<Record<string, readonly [string, ...string[]]>> = {
  boto3: [pythonBin('python3'), script('use_boto3.py')],
  'the AWS CLI': ['bash', script('use-aws-cli.sh'), pythonBin('aws')],
  'the AWS SDK for JavaScript': [process.execPath, script('use-aws-sdk.mjs')],
  'the AWS SDK for Go': [cachedPath('bin', 'aws-sdk-go-steps')],
  'the AWS SDK for Java': [...java('AwsSdk')],
  'minio-py': [pythonBin('python3'), script('use_minio.py')],
  'minio-go': [cachedPath('bin', 'minio-go-everyday')],
  'minio-java': [...java('MinioJava')],
  [rust]: [cachedPath('data-clients', 'bin', 'python3'), script('use_obstore.py')],
}
const names = Object.keys(sdks)
const bucketOf = (kind: string, name: string): string => `${kind}-${names.indexOf(name)}`

/** SDKs that read AWS's profiles: they take the same from four lines of one. */
const profiled: ReadonlySet<string> = new Set(
  names.filter((name) => name.startsWith('the AWS') || name === 'boto3'),
)

/** What an SDK needs beside the profile: Go's takes the address of the STS from no profile, and would send the token to AWS. */
const beside: ReadonlyMap<string, () => Record<string, string>> = new Map([
  ['the AWS SDK for Go', () => ({ AWS_ENDPOINT_URL_STS: stack.sts })],
])

/** The role is `team/writers`: an ARN of any account names it. */
const roleArn = 'arn:aws:iam::123456789012:role/team/writers'
const ownRoleArn = 'arn:minio:iam:us-east-1::role/team/writers'

let folder: string
let issuer: TokenIssuer
let stack: Stack
/** The same with TLS: Rust's object_store sends a token by HTTPS only. */
let stackWithTls: Stack

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'sts-cli-web-identity-'))
  issuer = await startTokenIssuer(lifetimeSeconds)
  const conditions = { StringEquals: { sub: 'job' } }
  const trust = { issuer: issuer.issuer, audience: 'app', conditions }
  const role = path.join(folder, 'role.json')
  await writeFile(role, JSON.stringify({ name: 'team/writers', policies: ['readwrite'], trust }))
  const buckets = names.flatMap((name) => [bucketOf('role', name), bucketOf('claim', name)])
  const flags = ['--role', role, ...buckets.flatMap((name) => ['--bucket', name])]
  const settings = {
    MINIO_IDENTITY_OPENID_CONFIG_URL: issuer.configUrl,
    MINIO_IDENTITY_OPENID_CLIENT_ID: 'app',
  }
  stack = await startStack([...flags, '--log-level', 'info'], settings)
  stackWithTls = await startStack([...flags, '--log-level', 'info', '--tls'], settings)
  await issuer.keepFresh(path.join(folder, 'of-job'), { sub: 'job', preferred_username: 'ci' })
  const alice = { sub: 'a-uuid', preferred_username: 'alice', policy: 'readwrite' }
  await issuer.keepFresh(path.join(folder, 'of-alice'), alice)
})
afterAll(async () => {
  await stack.stop()
  await stackWithTls.stop()
  await issuer.stop()
  await rm(folder, { recursive: true })
})

/** Writes a profile of four lines with what `serve` printed. @returns The variables that lead to it. */
async function writeProfile(name: string, tokenFile: string): Promise<Record<string, string>> {
  const { AWS_ROLE_ARN: arn, AWS_REGION: region, AWS_ENDPOINT_URL_STS: url } = stack.aws
  const lines = [
    '[default]',
    `role_arn = ${arn}`,
    `web_identity_token_file = ${tokenFile}`,
    `endpoint_url = ${url}`,
    `region = ${region}`,
    '',
  ]
  const file = path.join(folder, `config-${name}`)
  await writeFile(file, lines.join('\n'))
  return { AWS_CONFIG_FILE: file, AWS_SHARED_CREDENTIALS_FILE: '/dev/null' }
}

const stackOf = (name: string): Stack => (name === rust ? stackWithTls : stack)

/** Runs an SDK's program with these variables of AWS's and no others. @returns The number of its rounds. */
async function run(
  name: string,
  bucket: string,
  { seconds, settings }: { seconds: number; settings: Readonly<Record<string, string>> },
): Promise<number> {
  const [command = '', ...argv] = sdks[name] ?? []
  const env = {
    ...stackOf(name).env,
    ...settings,
    SSL_CERT_FILE: stackOf(name).caFile,
    PYTHONPATH: path.join(import.meta.dirname, 'data-clients'),
    // The programs' folder stays as it is.
    PYTHONDONTWRITEBYTECODE: '1',
    LC_ALL: 'C.UTF-8',
    // The SDK's advice on Node's version is not ours to print.
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  }
  const all = [...argv, bucket, 'unused', String(seconds)]
  const options = { env, extendEnv: false, cwd: folder, reject: false } as const
  const { failed, message, stdout } = await execa(command, all, options)
  if (failed) throw new Error(message?.slice(-4000))
  return (JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as { rounds: number }).rounds
}

/** Returns what the server's log says of a bucket: the credentials that were used there, the exchanges that issued them, and refusals. */
function findUses(name: string, bucket: string) {
  const lines = stackOf(name).readLog()
  const requests = lines.filter((line) => line['bucket'] === bucket)
  const keys = new Set(requests.map((line) => line['accessKeyId']))
  const isExchange = (line: LogLine): boolean => keys.has(line['issuedAccessKeyId'])
  return {
    requests,
    keys,
    exchanges: lines.filter(isExchange),
    refusals: requests.filter((line) => line['error'] !== undefined),
  }
}

describe('SDKs with a token in a file', () => {
  it.concurrent.each(names)(
    '%s assumes a role, and again each time that its credentials expire',
    async (name) => {
      const bucket = bucketOf('role', name)
      const settings = {
        ...stackOf(name).aws,
        AWS_ROLE_ARN: roleArn,
        AWS_ROLE_SESSION_NAME: 'nightly',
        AWS_WEB_IDENTITY_TOKEN_FILE: path.join(folder, 'of-job'),
      }
      expect(await run(name, bucket, { seconds: runSeconds, settings })).toBeGreaterThanOrEqual(3)
      const { requests, keys, exchanges, refusals } = findUses(name, bucket)
      expect(refusals).toEqual([])
      expect(keys.size).toBeGreaterThanOrEqual(3)
      expect(exchanges).toHaveLength(keys.size)
      for (const line of [...requests, ...exchanges])
        expect(line).toMatchObject({ principal: 'job', name: 'ci', role: ownRoleArn })
      for (const line of exchanges)
        expect(line).toMatchObject({ operation: 'AssumeRoleWithWebIdentity' })
      // minio-go takes no name for its session.
      const session = name === 'minio-go' ? /^\d+$/ : /^nightly$/
      for (const line of requests) expect(line['roleSessionName']).toMatch(session)
    },
  )

  it.concurrent.each(names)(
    '%s gets the policies of the token’s claim, beside the roles, with the ARN that serve prints',
    async (name) => {
      const bucket = bucketOf('claim', name)
      const file = path.join(folder, 'of-alice')
      const settings = profiled.has(name)
        ? { ...(await writeProfile(bucket, file)), ...beside.get(name)?.() }
        : { ...stackOf(name).aws, AWS_WEB_IDENTITY_TOKEN_FILE: file }
      expect(await run(name, bucket, { seconds: 0, settings })).toBe(3)
      const { requests, refusals } = findUses(name, bucket)
      expect(refusals).toEqual([])
      expect(requests).not.toEqual([])
      for (const line of requests) {
        expect(line).toMatchObject({ principal: 'a-uuid', name: 'alice', issuer: issuer.issuer })
        expect(line).not.toHaveProperty('role')
      }
    },
  )
})
