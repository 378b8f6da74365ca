/** Each identity source end to end: the settings of `serve`, its server, and the client’s command. */
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { onTestFinished, describe, expect, it } from 'vitest'
import { optionsOf } from '../../src/commands/options/option-table.ts'
import { parseArgv } from '../../src/commands/options/parse-argv.ts'
import { readServerOptions } from '../../src/commands/serve/server-options.ts'
import { createSettings } from '../../src/commands/options/settings.ts'
import { createServer, type RunningServer } from '../../src/server/create-server.ts'
import { makeToken, nowSeconds, keySet, signers, type Members } from '../support/tokens.ts'
import { startDirectory } from '../support/server/fake-directory.ts'
import { makePair } from '../support/server/certificates.ts'
import {
  createIo,
  json,
  makeFolder,
  runLine,
  startFake,
  stsAnswer,
  type Ran,
} from '../support/commands/harness.ts'

type Env = Readonly<Record<string, string>>

/** Starts a server as `sts-cli serve` would. @param nowMs Its clock. */
async function serve(argv: string[], env: Env, nowMs = Date.now()): Promise<RunningServer> {
  const words = ['--address', '127.0.0.1:0', '--log-level', 'silent', '--no-idp', ...argv]
  const parsed = parseArgv(words, optionsOf('serve'), { isStoppingAtOperand: false })
  const io = { ...createIo({ env }), nowMs: () => nowMs }
  const server = await createServer(readServerOptions(createSettings(parsed, io), io))
  onTestFinished(() => server.stop())
  return server
}

/** Runs `sts-cli exchange` as a user without any files. */
async function exchange(
  server: { url: URL | string },
  argv: readonly string[],
  options: { typed?: string; stdin?: string; env?: Env } = {},
): Promise<Ran> {
  const { env, ...rest } = options
  const sts = new URL(server.url).origin
  return runLine(['exchange', '-sts-ep', sts, ...argv], {
    env: { HOME: await makeFolder(), ...env },
    ...rest,
  })
}

describe('LDAP directory', () => {
  const people = 'ou=people,dc=x'
  const start = async (): Promise<RunningServer> => {
    const { port } = await startDirectory({
      accounts: { 'cn=lookup,dc=x': 'lookup', [`uid=alice,${people}`]: 'wonderland' },
      search: (base, filter) =>
        filter === '(uid=alice)' ? [`uid=alice,${people}`] : base === 'dc=g' ? ['cn=ops,dc=g'] : [],
    })
    const prefix = 'MINIO_IDENTITY_LDAP_'
    return serve(['--ldap-policy', 'readwrite=CN=Ops, DC=g'], {
      [`${prefix}SERVER_ADDR`]: `127.0.0.1:${port}`,
      [`${prefix}SERVER_INSECURE`]: 'on',
      [`${prefix}LOOKUP_BIND_DN`]: 'cn=lookup,dc=x',
      [`${prefix}LOOKUP_BIND_PASSWORD`]: 'lookup',
      [`${prefix}USER_DN_SEARCH_BASE_DN`]: people,
      [`${prefix}USER_DN_SEARCH_FILTER`]: '(uid=%s)',
      [`${prefix}GROUP_SEARCH_BASE_DN`]: 'dc=g',
      [`${prefix}GROUP_SEARCH_FILTER`]: '(member=%d)',
    })
  }
  const asAlice = ['--action', 'ldap', '--username', 'alice']

  it('exchange logs in to LDAP with a password from a prompt, stdin or a file', async () => {
    const server = await start()
    const asked = await exchange(server, asAlice, { typed: 'wonderland' })
    expect(asked).toMatchObject({ code: 0, stderr: '' })
    expect(asked.io.prompts).toEqual(['password: '])
    expect(JSON.parse(asked.stdout)).toHaveProperty('sessionToken')
    const piped = await exchange(server, [...asAlice, '--password-file', '-'], {
      stdin: 'wonderland\n',
    })
    expect(piped.code).toBe(0)
    const file = path.join(await makeFolder(), 'password')
    await writeFile(file, 'wonderland\n')
    const env = { STS_CLI_ACTION: 'ldap', STS_CLI_USERNAME: 'alice', STS_CLI_PASSWORD_FILE: file }
    expect((await exchange(server, [], { env })).code).toBe(0)
  })

  it('exchange reports a wrong LDAP password without printing it', async () => {
    const { code, stderr, stdout } = await exchange(await start(), [...asAlice, '--debug'], {
      typed: 'hunter2',
    })
    expect(code).toBe(77)
    expect(stderr).toContain('the LDAP user name or password is wrong')
    expect(stderr).toContain('hint: check --username and the password')
    expect(stderr + stdout).not.toContain('hunter2')
  })

  it('the server is ready when its LDAP directory is', async () => {
    const { url } = await start()
    expect((await fetch(new URL('/minio/health/ready', url))).status).toBe(200)
  })

  it.each<[string, string[], string]>([
    ['without a user name', ['--action', 'ldap'], 'use --username'],
    ['without a password', asAlice, 'use --password-file'],
    ['with a token', [...asAlice, '--password-file', '-', 'token'], 'takes no token'],
  ])('exchange refuses an LDAP login %s before any request', async (_what, argv, message) => {
    const { code, stderr } = await exchange({ url: 'http://127.0.0.1:1' }, argv, { stdin: 'x' })
    expect(code).toBe(64)
    expect(stderr).toContain(message)
  })

  it('creds finds a cached LDAP login by its user name', async () => {
    const server = await start()
    const HOME = await makeFolder()
    const flags = ['-sts-ep', server.url.origin, ...asAlice]
    const first = await runLine(
      ['login', '-q', ...flags],
      { env: { HOME }, typed: 'wonderland' },
      Date.now(),
    )
    expect(first).toMatchObject({ code: 0, stderr: '' })
    await server.stop()
    const again = await runLine(
      ['creds', ...flags, '--password-file', '-'],
      { env: { HOME }, stdin: 'anything' },
      Date.now(),
    )
    expect(again).toMatchObject({ code: 0, stderr: '' })
  })
})

describe('client certificate', () => {
  it('a client certificate gets the policy of its common name, and an untrusted one is refused', async () => {
    const folder = await makeFolder()
    const write = async (name: string, text: string): Promise<string> => {
      const file = path.join(folder, name)
      await writeFile(file, text)
      return file
    }
    const authority = await makePair('authority', { isAuthority: true })
    const ca = await write('ca.pem', authority.cert)
    const argv = ['--tls', '--client-ca', ca]
    const server = await serve(argv, { MINIO_IDENTITY_TLS_ENABLE: 'on' })
    const trust = ['--ca-file', await write('server.pem', server.certificate ?? '')]
    const show = async (name: string, options: Parameters<typeof makePair>[1]): Promise<Ran> => {
      const { cert, key } = await makePair('readonly', options)
      const own = [
        '--cert',
        await write(`${name}.pem`, cert),
        '--key',
        await write(`${name}.key`, key),
      ]
      return exchange(server, ['--action', 'certificate', ...own, ...trust])
    }
    const mine = await show('mine', { ca: authority })
    expect(mine).toMatchObject({ code: 0, stderr: '' })
    expect(JSON.parse(mine.stdout)).toHaveProperty('sessionToken')
    const stranger = await show('stranger', {})
    expect(stranger.code).toBe(77)
    expect(stranger.stderr).toContain('InvalidClientCertificate')
  })

  it.each<[string, string, string[], string]>([
    ['no certificate', 'https://127.0.0.1:1', [], 'use --cert FILE --key FILE'],
    ['http', 'http://127.0.0.1:1', ['--cert', 'a', '--key', 'b'], 'over https alone'],
  ])('exchange refuses a certificate login with %s', async (_what, url, argv, message) => {
    const { code, stderr } = await exchange({ url }, ['--action', 'certificate', ...argv])
    expect(code).toBe(64)
    expect(stderr).toContain(message)
  })
})

describe('identity plugin', () => {
  it('an identity plugin validates a custom token and refuses an unknown one', async () => {
    const plugin = await startFake((seen) =>
      seen.url === '/?token=a%2Bbadge%2F1'
        ? json({ user: 'alice', maxValiditySeconds: 3600, claims: {} })
        : json({ reason: 'no such badge' }, 403),
    )
    const server = await serve([], {
      MINIO_IDENTITY_PLUGIN_URL: plugin.url,
      MINIO_IDENTITY_PLUGIN_ROLE_POLICY: 'readonly',
      MINIO_IDENTITY_PLUGIN_ROLE_ID: 'badges',
    })
    const [arn = ''] = server.roleArns
    expect(arn).toBe('arn:minio:iam:us-east-1::role/idmp-badges')
    const argv = ['--action', 'custom-token', '--role-arn', arn]
    expect(await exchange(server, [...argv, 'a+badge/1'])).toMatchObject({ code: 0, stderr: '' })
    const refused = await exchange(server, [...argv, 'forged', '-v'])
    expect(refused.code).toBe(77)
    expect(refused.stderr).toContain('no such badge')
    expect(refused.stderr).not.toContain('forged')
    const homeless = await exchange(server, ['--action', 'custom-token', 'a+badge/1'])
    expect(homeless).toMatchObject({ code: 64 })
    expect(homeless.stderr).toContain('use --role-arn')
  })
})

describe('parameters in the query', () => {
  it('exchange sends a custom token in the query, as MinIO requires', async () => {
    const sts = await startFake(stsAnswer('AssumeRoleWithCustomToken'))
    const argv = ['--action', 'custom-token', '--role-arn', 'arn:minio:iam:::role/idmp-x', 'badge']
    expect(await exchange(sts, argv)).toMatchObject({ code: 0 })
    const [seen] = sts.seen
    expect(seen).toMatchObject({ method: 'POST', body: '' })
    expect(Object.fromEntries(new URL(seen?.url ?? '', sts.url).searchParams)).toEqual({
      Action: 'AssumeRoleWithCustomToken',
      Version: '2011-06-15',
      Token: 'badge',
      RoleArn: 'arn:minio:iam:::role/idmp-x',
    })
  })

  it('exchange never sends a password in the query', async () => {
    const sts = await startFake({ status: 405, body: '' })
    const argv = ['--action', 'ldap', '--username', 'alice']
    expect((await exchange(sts, argv, { typed: 'wonderland' })).code).not.toBe(0)
    expect(sts.seen).toHaveLength(1)
    expect(sts.seen[0]?.url).toBe('/')
    expect(sts.seen[0]?.form.get('LDAPPassword')).toBe('wonderland')
  })
})

describe('roles', () => {
  const startIssuer = async () => {
    const fake = await startFake((seen) =>
      json(seen.url === '/jwks' ? keySet : { issuer: fake.url, jwks_uri: `${fake.url}/jwks` }),
    )
    return fake
  }
  const token = (claims: Members): string =>
    makeToken(signers.RS256, { exp: nowSeconds + 600, ...claims })

  it('a role is assumed by a token that its file trusts', async () => {
    const issuer = await startIssuer()
    const file = path.join(await makeFolder(), 'deploy.json')
    const trust = {
      issuer: issuer.url,
      audience: 'sts-cli',
      conditions: { StringLike: { sub: 'repo:my-org/my-repo:*' } },
    }
    await writeFile(file, JSON.stringify({ name: 'deploy', policies: 'readwrite', trust }))
    const server = await serve(['--role', file], {}, nowSeconds * 1000)
    expect(server.roleArns).toEqual(['arn:minio:iam:us-east-1::role/deploy'])
    const argv = ['--action', 'web-identity', '--role-arn', 'arn:minio:iam:us-east-1::role/deploy']
    const job = { iss: issuer.url, aud: 'sts-cli', sub: 'repo:my-org/my-repo:ref:refs/heads/main' }
    expect(await exchange(server, [...argv, token(job)])).toMatchObject({ code: 0, stderr: '' })
    const other = await exchange(server, [...argv, token({ ...job, sub: 'repo:my-org/other:x' })])
    expect(other.code).toBe(77)
    expect(other.stderr).toContain('does not trust this token: see its sub')
    const bare = await exchange(server, ['--action', 'web-identity', token(job)])
    expect(bare.stderr).toContain('MissingParameter')
  })

  it('roles of several providers exist beside a provider whose claims name policies', async () => {
    const [a, b, c] = [await startIssuer(), await startIssuer(), await startIssuer()]
    const prefix = 'MINIO_IDENTITY_OPENID_'
    const server = await serve(
      [],
      {
        [`${prefix}CONFIG_URL`]: `${a.url}/config`,
        [`${prefix}CLIENT_ID`]: 'main',
        [`${prefix}CONFIG_URL_B`]: `${b.url}/config`,
        [`${prefix}CLIENT_ID_B`]: 'app-b',
        [`${prefix}ROLE_POLICY_B`]: 'readonly, writeonly',
        [`${prefix}CONFIG_URL_C`]: `${c.url}/config`,
        [`${prefix}CLIENT_ID_C`]: 'app-c',
        [`${prefix}ROLE_POLICY_C`]: 'readwrite',
        [`${prefix}ENABLE_C`]: 'off',
      },
      nowSeconds * 1000,
    )
    // As in MinIO: SHA-1 of the client id, base64url.
    const arn = 'arn:minio:iam:us-east-1::role/oSwGwiVwMIyzrb0oucUZdUCoO9M'
    expect(server.roleArns).toEqual([arn])
    const outcome = async (claims: Members, argv: string[]): Promise<number> =>
      (await exchange(server, [...argv, token(claims)])).code
    const atB = { iss: b.url, aud: 'app-b' }
    const atA = { iss: a.url, aud: 'main', policy: 'readonly' }
    expect(await outcome(atB, ['--role-arn', arn])).toBe(0)
    expect(await outcome(atA, [])).toBe(0)
    // Each provider accepts only its own tokens, though one key signed both.
    expect(await outcome({ ...atB, policy: 'readonly' }, [])).toBe(77)
    expect(await outcome(atA, ['--role-arn', arn])).toBe(77)
    expect(await outcome({ ...atB, aud: 'app-c' }, ['--role-arn', arn])).toBe(77)
  })
})
