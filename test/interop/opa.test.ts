import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { S3Client, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { keySet, makeToken, signers } from '../support/tokens.ts'
import { findFreePort } from './free-port.ts'
import { type Opa, seedRule, seedRuleOf2018, startOpa, tokenRule, writeRoleRule } from './opa.ts'
import { cachedPath, logIn, startStack, type Stack } from './stack.ts'

const root = { accessKeyId: 'minio', secretAccessKey: 'minio123' }
const rootVariables = { MINIO_ACCESS_KEY: root.accessKeyId, MINIO_SECRET_KEY: root.secretAccessKey }
const target = { Bucket: 'my-bucketname', Key: 'my-objectname' }
const flags = ['--bucket', target.Bucket]

/** Returns `allowed`, or the name of the error. */
function outcome(sent: Promise<unknown>): Promise<string> {
  return sent.then(
    () => 'allowed',
    (error: Error) => error.name,
  )
}

interface Keys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

function openS3(stack: Stack, credentials: Keys): S3Client {
  return new S3Client({
    endpoint: stack.sts,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials,
    maxAttempts: 1,
  })
}

function connect(stack: Stack, credentials: Keys) {
  const s3 = openS3(stack, credentials)
  return {
    put: () => outcome(s3.send(new PutObjectCommand({ ...target, Body: 'Hello, World' }))),
    get: () => outcome(s3.send(new GetObjectCommand(target))),
  }
}

const connectAs = (stack: Stack, env: Readonly<Record<string, string>>) =>
  connect(stack, {
    accessKeyId: env['AWS_ACCESS_KEY_ID'] ?? '',
    secretAccessKey: env['AWS_SECRET_ACCESS_KEY'] ?? '',
    sessionToken: env['AWS_SESSION_TOKEN'] ?? '',
  })
const isReady = async (stack: Stack): Promise<boolean> =>
  (await fetch(`${stack.sts}/minio/health/ready`)).status === 200

/** Checks the guide's rule: a session may only put, and root may not even do that. */
async function expectPutOnly(stack: Stack): Promise<void> {
  const session = connectAs(stack, await logIn(stack))
  expect([await session.put(), await session.get()]).toEqual(['allowed', 'AccessDenied'])
  const owner = connect(stack, root)
  expect([await owner.put(), await owner.get()]).toEqual(['AccessDenied', 'AccessDenied'])
  expect(await isReady(stack)).toBe(true)
}

describe('OPA with the quickstart’s rule', () => {
  let port: number
  let opa: Opa
  let stack: Stack
  beforeAll(async () => {
    port = await findFreePort()
    opa = await startOpa(port)
    stack = await startStack(flags, {
      ...rootVariables,
      MINIO_IAM_OPA_URL: `http://127.0.0.1:${port}/v1/data/httpapi/authz`,
    })
  })
  afterAll(async () => {
    await stack.stop()
    await opa.stop()
  })

  it('OPA’s quickstart rule lets a session only put, and root do nothing', async () => {
    await expectPutOnly(stack)
  })

  it('serve denies everything and is not ready while OPA is down, and recovers with OPA', async () => {
    const session = connectAs(stack, await logIn(stack))
    await opa.stop()
    expect(await session.put()).toBe('AccessDenied')
    expect(await isReady(stack)).toBe(false)

    opa = await startOpa(port)
    expect(await session.put()).toBe('allowed')
    expect(await isReady(stack)).toBe(true)
  })
})

describe('OPA as MinIO’s access management plugin', () => {
  it.each([
    ['Bearer of-the-operator', 'allowed', true],
    ['Bearer of-somebody-else', 'AccessDenied', false],
  ])('OPA with the token %s answers %s', async (token, put, ready) => {
    const port = await findFreePort()
    const opa = await startOpa(port, {
      rules: [seedRule, tokenRule],
      flags: ['--authentication=token', '--authorization=basic'],
    })
    const stack = await startStack(flags, {
      ...rootVariables,
      MINIO_POLICY_PLUGIN_URL: `http://127.0.0.1:${port}/v1/data/httpapi/authz/allow`,
      MINIO_POLICY_PLUGIN_AUTH_TOKEN: token,
    })
    try {
      expect(await connectAs(stack, await logIn(stack)).put()).toBe(put)
      expect(await isReady(stack)).toBe(ready)
    } finally {
      await stack.stop()
      await opa.stop()
    }
  })
})

describe('OPA with the claims of a token', () => {
  it('Rego reads the roles in the object realm_access, and no header passes for a claim', async () => {
    const rule = `${writeRoleRule('auditor')}
allow if input.conditions.department == ["finance"]
allow if input.conditions.Department == ["finance"]
`
    const port = await findFreePort()
    const opa = await startOpa(port, { rules: [rule] })
    const jwks = createServer((_request, response) => response.end(JSON.stringify(keySet)))
    await new Promise<void>((resolve) => jwks.listen(0, '127.0.0.1', resolve))
    const { port: jwksPort } = jwks.address() as AddressInfo
    const stack = await startStack(flags, {
      ...rootVariables,
      MINIO_IAM_JWKS_URL: `http://127.0.0.1:${jwksPort}/jwks`,
      MINIO_IAM_OPA_URL: `http://127.0.0.1:${port}/v1/data/httpapi/authz`,
    })
    try {
      const putAs = async (claims: object): Promise<string> => {
        const credentials = await exchange(stack.sts, claims)
        const s3 = openS3(stack, credentials)
        s3.middlewareStack.add(
          (next) => (args) => {
            const { headers } = args.request as { headers: Record<string, string> }
            headers['department'] = 'finance'
            return next(args)
          },
          { step: 'build' },
        )
        return outcome(s3.send(new PutObjectCommand({ ...target, Body: 'x' })))
      }
      expect(await putAs({ realm_access: { roles: ['auditor', 'x'] } })).toBe('allowed')
      expect(await putAs({ realm_access: { roles: ['x'] } })).toBe('AccessDenied')
      expect(await putAs({})).toBe('AccessDenied')
      expect(await putAs({ department: 'finance' })).toBe('allowed')
    } finally {
      await stack.stop()
      await opa.stop()
      jwks.close()
    }
  })
})

async function exchange(sts: string, claims: object) {
  const exp = Math.floor(Date.now() / 1000) + 3600
  const WebIdentityToken = makeToken(signers.RS256, { iat: exp - 3600, azp: 'app', ...claims, exp })
  const form = { Action: 'AssumeRoleWithWebIdentity', Version: '2011-06-15', WebIdentityToken }
  const answer = await fetch(sts, { method: 'POST', body: new URLSearchParams(form) })
  const text = await answer.text()
  const read = (name: string): string => new RegExp(`<${name}>([^<]+)<`).exec(text)?.[1] ?? text
  return {
    accessKeyId: read('AccessKeyId'),
    secretAccessKey: read('SecretAccessKey'),
    sessionToken: read('SessionToken'),
  }
}

describe('serve --rego', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'sts-cli-rego-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  async function startWith(rule: string, more: string[] = []): Promise<Stack> {
    const rego = path.join(folder, 'authz.rego')
    await writeFile(rego, rule)
    const PATH = `${cachedPath('bin')}:${process.env['PATH'] ?? ''}`
    return startStack([...flags, '--rego', rego, ...more], { ...rootVariables, PATH })
  }

  it.each([
    ['today’s syntax', seedRule, []],
    ['the syntax of 2018', seedRuleOf2018, []],
    ['today’s syntax with --rego-query', seedRule, ['--rego-query', 'data.httpapi.authz.allow']],
  ])('serve --rego runs the quickstart’s rule in %s', async (_what, rule, more) => {
    const stack = await startWith(rule, more)
    try {
      await expectPutOnly(stack)
    } finally {
      await stack.stop()
    }
  })

  it('serve --rego reports OPA’s compile errors', async () => {
    await expect(startWith('package httpapi.authz\n\nallow if nope(input)\n')).rejects.toThrow(
      /serve ended with 78: .*opa does not take .*authz\.rego.*rego_type_error: undefined function nope/,
    )
    await expect(startWith('package httpapi.authz\n\nallow if {\n')).rejects.toThrow(
      /serve ended with 78: .*rego_parse_error/,
    )
  })
})
