import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { groups, lookup, people, type Slapd, startSlapd } from './slapd.ts'
import { binPath, startStack, type Stack } from './stack.ts'

let slapd: Slapd
let stack: Stack

const prefix = 'MINIO_IDENTITY_LDAP_'

function settings(port: number, change: Record<string, string> = {}): Record<string, string> {
  const all = {
    SERVER_ADDR: `localhost:${port}`,
    LOOKUP_BIND_DN: lookup.dn,
    LOOKUP_BIND_PASSWORD: lookup.password,
    USER_DN_SEARCH_BASE_DN: people,
    USER_DN_SEARCH_FILTER: '(uid=%s)',
    GROUP_SEARCH_BASE_DN: groups,
    GROUP_SEARCH_FILTER: '(&(objectClass=groupOfNames)(member=%d))',
    ...change,
  }
  return Object.fromEntries(Object.entries(all).map(([name, value]) => [prefix + name, value]))
}

const policies = [
  `readwrite=CN=Ops, ${groups.toUpperCase()}`,
  `readonly=uid=bob,${people}`,
  `writeonly=cn=odd,${groups}`,
].flatMap((policy) => ['--ldap-policy', policy])

beforeAll(async () => {
  slapd = await startSlapd()
  const flags = ['--bucket', 'hello', '--ca-file', slapd.caFile, ...policies]
  stack = await startStack(flags, settings(slapd.tlsPort))
})
afterAll(async () => {
  await stack.stop()
  await slapd.remove()
})

interface LoggedIn {
  readonly code: number
  readonly stderr: string
  /** The outcome of a put and of a get of the same object. */
  readonly may: string
}

/** Runs `sts-cli exchange` with the password on stdin, then S3 requests by the AWS SDK. */
async function logIn(username: string, password: string, at: Stack = stack): Promise<LoggedIn> {
  const argv = ['exchange', '-sts-ep', at.sts, '--action', 'ldap', '--retries', '0', '-f', 'json']
  const ran = await execa(
    process.execPath,
    [binPath, ...argv, '--username', username, '--password-file', '-'],
    { env: at.env, extendEnv: false, input: password, reject: false },
  )
  const code = ran.exitCode ?? -1
  if (code !== 0) return { code, stderr: ran.stderr, may: '' }
  const { accessKeyId, secretAccessKey, sessionToken } = JSON.parse(ran.stdout) as {
    accessKeyId: string
    secretAccessKey: string
    sessionToken: string
  }
  const s3 = new S3Client({
    endpoint: at.sts,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey, sessionToken },
    maxAttempts: 1,
  })
  const target = { Bucket: 'hello', Key: 'world.txt' }
  const outcome = (sent: Promise<unknown>): Promise<string> =>
    sent.then(
      () => 'yes',
      () => 'no',
    )
  const put = await outcome(s3.send(new PutObjectCommand({ ...target, Body: 'Hello, World' })))
  const get = await outcome(s3.send(new GetObjectCommand(target)))
  return { code, stderr: ran.stderr, may: `put ${put}, get ${get}` }
}

describe('users of a real OpenLDAP', () => {
  it('OpenLDAP users get the policies of their groups and their own', async () => {
    expect(await logIn('alice', 'wonderland')).toMatchObject({ may: 'put yes, get yes' })
    expect(await logIn('ALICE', 'wonderland')).toMatchObject({ may: 'put yes, get yes' })
    expect(await logIn('bob', 'builder')).toMatchObject({ may: 'put no, get yes' })
  })

  it('an OpenLDAP user whose name has filter characters is found in a group', async () => {
    expect(await logIn('smith', 'odd-password')).toMatchObject({ may: 'put yes, get no' })
  })

  it.each([
    ['a wrong password', 'alice', 'builder'],
    ['an unknown user', 'nobody', 'wonderland'],
    ['a filter as user name', '*', 'wonderland'],
    ['a filter that is always true', 'alice)(|(uid=*', 'wonderland'],
  ])('an OpenLDAP login gives the same error for %s', async (_what, username, password) => {
    const { code, stderr } = await logIn(username, password)
    expect(code).toBe(77)
    expect(stderr).toContain('the LDAP user name or password is wrong')
  })

  it('an OpenLDAP login without a password is refused, although the directory accepts it as anonymous', async () => {
    const form = new URLSearchParams({
      Action: 'AssumeRoleWithLDAPIdentity',
      Version: '2011-06-15',
      LDAPUsername: 'alice',
      LDAPPassword: '',
    })
    const answer = await fetch(stack.sts, { method: 'POST', body: form })
    expect(answer.status).toBe(400)
    expect(await answer.text()).toContain('<Code>MissingParameter</Code>')
  })
})

describe('connection to OpenLDAP', () => {
  it('serve connects to OpenLDAP by StartTLS, and without TLS if configured', async () => {
    for (const [name, flags] of [
      ['SERVER_STARTTLS', ['--ca-file', slapd.caFile]],
      ['SERVER_INSECURE', []],
    ] as const) {
      const other = await startStack(
        ['--bucket', 'hello', ...flags, ...policies],
        settings(slapd.plainPort, { [name]: 'on' }),
      )
      try {
        expect(await logIn('alice', 'wonderland', other)).toMatchObject({ may: 'put yes, get yes' })
      } finally {
        await other.stop()
      }
    }
  })

  it('serve sends no password to an OpenLDAP server of an unknown CA', async () => {
    const other = await startStack(policies, settings(slapd.tlsPort))
    try {
      expect(await logIn('alice', 'wonderland', other)).toMatchObject({ code: 69 })
    } finally {
      await other.stop()
    }
  })

  it('serve reports that OpenLDAP does not answer, and reconnects when it is back', async () => {
    const isReady = async (): Promise<number> =>
      (await fetch(`${stack.sts}/minio/health/ready`)).status
    expect(await isReady()).toBe(200)
    await slapd.stop()
    const { code, stderr } = await logIn('alice', 'wonderland')
    expect(code).toBe(69)
    expect(stderr).toContain('the LDAP server does not answer')
    await expect.poll(isReady, { timeout: 15_000 }).toBe(503)
    await slapd.start()
    expect(await logIn('alice', 'wonderland')).toMatchObject({ may: 'put yes, get yes' })
    await expect.poll(isReady, { timeout: 15_000 }).toBe(200)
  })
})
