/** An attribute of a Keycloak user becomes a session tag, and the tag decides which prefix the user may use, also through a role. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Keycloak, startKeycloak } from './keycloak.ts'
import { binPath, startStack, type Stack } from './stack.ts'

const claim = String.raw`https://aws\.amazon\.com/tags`
const teamPolicy = {
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Action: ['s3:GetObject', 's3:PutObject'],
      Resource: 'arn:aws:s3:::my-bucketname/${aws:PrincipalTag/team}/*',
    },
  ],
}

let keycloak: Keycloak
let stack: Stack
let folder: string

beforeAll(async () => {
  keycloak = await startKeycloak()
  await keycloak.admin('PUT', '/users/profile', {
    ...((await keycloak.admin('GET', '/users/profile')) as object),
    unmanagedAttributePolicy: 'ENABLED',
  })
  await addMapper()
  folder = await mkdtemp(path.join(tmpdir(), 'sts-cli-tags-'))
  const policy = path.join(folder, 'team.json')
  const role = path.join(folder, 'role.json')
  await writeFile(policy, JSON.stringify(teamPolicy))
  const trust = {
    issuer: keycloak.issuer,
    audience: keycloak.clientId,
    conditions: {
      StringEquals: { preferred_username: ['alice', 'bob'] },
      StringLike: { 'aws:RequestTag/team': '*' },
    },
    actions: ['sts:AssumeRoleWithWebIdentity', 'sts:TagSession'],
  }
  await writeFile(role, JSON.stringify({ name: 'team', policies: ['team'], trust }))
  stack = await startStack(
    ['--no-idp', '--bucket', 'my-bucketname', '--policy', `team=${policy}`, '--role', role],
    {},
  )
}, 300_000)
afterAll(async () => {
  await stack.stop()
  await keycloak.stop()
  await rm(folder, { recursive: true })
})

/** Adds a mapper of the user's attribute `team` to the claim. */
async function addMapper(): Promise<void> {
  const [client] = (await keycloak.admin('GET', `/clients?clientId=${keycloak.clientId}`)) as {
    id: string
  }[]
  await keycloak.admin('POST', `/clients/${client?.id}/protocol-mappers/models`, {
    name: 'team tag',
    protocol: 'openid-connect',
    protocolMapper: 'oidc-usermodel-attribute-mapper',
    config: {
      'user.attribute': 'team',
      // Keycloak nests at dots, so that those of the claim's own name are escaped.
      'claim.name': `${claim}.principal_tags.team`,
      'jsonType.label': 'String',
      multivalued: 'true',
      'access.token.claim': 'true',
      'id.token.claim': 'true',
    },
  })
}

async function addUser(name: string, team: string | undefined): Promise<void> {
  await keycloak.admin('POST', '/users', {
    username: name,
    enabled: true,
    email: `${name}@example.com`,
    firstName: name,
    lastName: 'Example',
    credentials: [{ type: 'password', value: `${name}-password` }],
    attributes: team === undefined ? {} : { team: [team] },
  })
}

/** Logs a user in for the role and returns a client of S3, or what the login says. */
async function logIn(name: string): Promise<S3Client | string> {
  const flags = ['-cid', keycloak.clientId, '--issuer', keycloak.issuer, '-sts-ep', stack.sts]
  const user = ['--grant', 'password', '--username', name, '--password-file', '-']
  const role = ['--action', 'web-identity', '--role-arn', 'arn:aws:iam::123456789012:role/team']
  const argv = ['login', ...flags, ...user, ...role, '--cache', 'none', '-f', 'json']
  const { stdout, stderr, exitCode } = await execa(process.execPath, [binPath, ...argv], {
    env: { ...stack.env, STS_CLI_CLIENT_SECRET: keycloak.clientSecret },
    extendEnv: false,
    reject: false,
    input: `${name}-password\n`,
  })
  if (exitCode !== 0) return stderr
  const { expiration: _expiration, ...credentials } = JSON.parse(stdout) as Record<
    'accessKeyId' | 'secretAccessKey' | 'sessionToken' | 'expiration',
    string
  >
  const connection = { endpoint: stack.sts, region: 'us-east-1', forcePathStyle: true }
  return new S3Client({ ...connection, credentials, maxAttempts: 1 })
}

async function use(s3: S3Client | string, Key: string): Promise<string> {
  if (typeof s3 === 'string') throw new Error(s3)
  const at = { Bucket: 'my-bucketname', Key }
  try {
    await s3.send(new PutObjectCommand({ ...at, Body: 'x' }))
    await s3.send(new GetObjectCommand(at))
    return 'allowed'
  } catch (error) {
    return error instanceof Error ? error.name : String(error)
  }
}

describe('an attribute of a Keycloak user', () => {
  it('decides by its tag which prefix the user may use', async () => {
    await addUser('bob', 'blue')
    const bob = await logIn('bob')
    expect(await use(bob, 'blue/a')).toBe('allowed')
    expect(await use(bob, 'red/a')).toBe('AccessDenied')
    expect(await use(bob, 'a')).toBe('AccessDenied')
  })

  it('keeps a user without it out of a role that asks for the tag', async () => {
    expect(await logIn('alice')).toMatch(/does not trust this token: see its aws:RequestTag\/team/)
  })
})
