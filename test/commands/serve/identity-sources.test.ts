import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { makeFolder, runLine, type Ran } from '../../support/commands/harness.ts'

type Env = Readonly<Record<string, string>>

/** `serve` with settings that it must refuse before anything starts. */
async function serve(argv: readonly string[], env: Env): Promise<Ran> {
  const addresses = ['--address', '127.0.0.1:0', '--no-idp']
  return runLine(['serve', ...addresses, ...argv], { env: { HOME: await makeFolder(), ...env } })
}

const ldap = {
  MINIO_IDENTITY_LDAP_SERVER_ADDR: 'ldap.example.com',
  MINIO_IDENTITY_LDAP_LOOKUP_BIND_DN: 'cn=lookup,dc=example,dc=com',
  MINIO_IDENTITY_LDAP_LOOKUP_BIND_PASSWORD: 'hunter2',
  MINIO_IDENTITY_LDAP_USER_DN_SEARCH_BASE_DN: 'ou=people,dc=example,dc=com',
  MINIO_IDENTITY_LDAP_USER_DN_SEARCH_FILTER: '(uid=%s)',
}

describe('serve with a directory', () => {
  const variable = (name: string, value: string): Env => ({
    [`MINIO_IDENTITY_LDAP_${name}`]: value,
  })
  it.each<[string, Env, RegExp]>([
    ['no lookup account', variable('LOOKUP_BIND_DN', ''), /LOOKUP_BIND_DN must be/],
    ['no lookup password', variable('LOOKUP_BIND_PASSWORD', ''), /LOOKUP_BIND_PASSWORD must be/],
    ['a lookup name', variable('LOOKUP_BIND_DN', 'lookup'), /"lookup" is not a distinguished name/],
    ['no base', variable('USER_DN_SEARCH_BASE_DN', ''), /USER_DN_SEARCH_BASE_DN must be/],
    ['a word as base', variable('USER_DN_SEARCH_BASE_DN', 'dc=x;people'), /"people" is not a dist/],
    ['a filter for everybody', variable('USER_DN_SEARCH_FILTER', '(uid=*)'), /filter with %s/],
    ['a bare filter', variable('USER_DN_SEARCH_FILTER', 'uid=%s'), /in parentheses/],
    [
      'groups without a filter',
      variable('GROUP_SEARCH_BASE_DN', 'dc=x'),
      /GROUP_SEARCH_FILTER must/,
    ],
    [
      'groups without a user',
      {
        ...variable('GROUP_SEARCH_BASE_DN', 'dc=x'),
        ...variable('GROUP_SEARCH_FILTER', '(cn=ops)'),
      },
      /filter with %d or %s/,
    ],
    ['a URL', variable('SERVER_ADDR', 'ldaps://ldap.example.com'), /is not HOST or HOST:PORT/],
    ['a port that is none', variable('SERVER_ADDR', 'h:70000'), /is not HOST or HOST:PORT/],
    ['a truth that is none', variable('TLS_SKIP_VERIFY', 'perhaps'), /neither on nor off/],
    [
      'TLS and none',
      {
        ...variable('SERVER_INSECURE', 'on'),
        ...variable('SERVER_STARTTLS', 'on'),
      },
      /are both on/,
    ],
    [
      'a format of names',
      variable('USERNAME_FORMAT', 'uid=%s'),
      /USERNAME_FORMAT is not supported/,
    ],
    ['a service record', variable('SRV_RECORD_NAME', 'on'), /SRV_RECORD_NAME is not supported/],
  ])('is refused with %s', async (_what, change, message) => {
    const { code, stderr } = await serve([], { ...ldap, ...change })
    expect(code).toBe(78)
    expect(stderr).toMatch(/^error: serve: MINIO_IDENTITY_LDAP_/)
    expect(stderr).toMatch(message)
    expect(stderr).not.toContain('hunter2')
  })

  it.each<[string, string[], number, RegExp]>([
    ['without a name', ['--ldap-policy', 'readonly'], 64, /is not a distinguished name/],
    ['of a word', ['--ldap-policy', 'readonly=ops'], 64, /"ops" is not a distinguished name/],
    ['without a policy', ['--ldap-policy', '=cn=ops'], 64, /or has no policy/],
    ['that does not exist', ['--ldap-policy', 'admin=cn=ops'], 78, /the policy admin, which does/],
    ['from no file', ['--ldap-policy-file', '/nowhere'], 66, /\/nowhere cannot be read/],
  ])('is refused with a policy %s', async (_what, argv, code, message) => {
    const ran = await serve(argv, ldap)
    expect(ran.code).toBe(code)
    expect(ran.stderr).toMatch(message)
  })

  it.each(['[]', '{"cn=ops": 7}', '{"cn=ops": [7]}', 'cn=ops', '""'])(
    'is refused with a policy file of %s',
    async (text) => {
      const file = path.join(await makeFolder(), 'policies.json')
      await writeFile(file, text)
      expect(await serve(['--ldap-policy-file', file], ldap)).toMatchObject({ code: 65 })
    },
  )

  it('is refused with a policy for a user of no directory', async () => {
    const { code, stderr } = await serve(['--ldap-policy', 'readonly=cn=ops'], {})
    expect(code).toBe(64)
    expect(stderr).toContain('set MINIO_IDENTITY_LDAP_SERVER_ADDR')
  })
})

describe('serve with client certificates', () => {
  const on = { MINIO_IDENTITY_TLS_ENABLE: 'on' }

  it.each<[string, string[], Env, number, RegExp]>([
    ['no authority', ['--tls'], on, 78, /name the authority of your clients with --client-ca/],
    ['no https', ['--client-ca', 'any.pem'], on, 78, /shown over https alone/],
    ['no https, by the flag alone', ['--client-ca', 'any.pem'], {}, 78, /shown over https alone/],
    ['no file', ['--tls', '--client-ca', '/nowhere'], on, 66, /\/nowhere cannot be read/],
    [
      'any certificate',
      ['--tls', '--client-ca', 'any.pem'],
      {
        ...on,
        MINIO_IDENTITY_TLS_SKIP_VERIFY: 'on',
      },
      78,
      /anybody could make a certificate/,
    ],
    ['a word for on', ['--tls'], { MINIO_IDENTITY_TLS_ENABLE: 'maybe' }, 78, /neither on nor off/],
  ])('is refused with %s', async (_what, argv, env, code, message) => {
    const ran = await serve(argv, env)
    expect(ran.code).toBe(code)
    expect(ran.stderr).toMatch(message)
  })

  it.each(['', 'certificate', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'])(
    'is refused with %j for the authority',
    async (text) => {
      const file = path.join(await makeFolder(), 'ca.pem')
      await writeFile(file, text)
      const { code, stderr } = await serve(['--tls', '--client-ca', file], on)
      expect(code).toBe(65)
      expect(stderr).toContain(`${file} holds no certificates in PEM`)
    },
  )
})

describe('serve with providers of tokens', () => {
  const openId = (name: string, value: string): Env => ({
    [`MINIO_IDENTITY_OPENID_${name}`]: value,
  })
  const configUrl = 'https://idp.example.com/.well-known/openid-configuration'
  const base = { ...openId('CONFIG_URL', configUrl), ...openId('CLIENT_ID', 'app') }
  const role = { ...base, ...openId('ROLE_POLICY', 'readonly') }

  it.each<[string, Env, RegExp]>([
    [
      'two whose claims name policies',
      { ...base, ...openId('CONFIG_URL_B', configUrl), ...openId('CLIENT_ID_B', 'b') },
      /CONFIG_URL_B is a second provider/,
    ],
    ['a role without a provider', openId('ROLE_POLICY', 'readonly'), /OPENID_CONFIG_URL must be/],
    ['a named role without one', openId('ROLE_POLICY_B', 'readonly'), /CONFIG_URL_B must be/],
    ['a role without a client', { ...role, ...openId('CLIENT_ID', '') }, /CLIENT_ID must be/],
    ['a role of no policy', { ...role, ...openId('ROLE_POLICY', ' , ') }, /names no policy/],
    [
      'a role of a policy that does not exist',
      { ...role, ...openId('ROLE_POLICY', 'x') },
      /policy x,/,
    ],
    ['a role and a claim', { ...role, ...openId('CLAIM_NAME', 'groups') }, /are both set/],
    [
      'two roles of one client',
      {
        ...role,
        ...openId('CONFIG_URL_B', configUrl),
        ...openId('CLIENT_ID_B', 'app'),
        ...openId('ROLE_POLICY_B', 'readonly'),
      },
      /one ARN/,
    ],
    [
      'a role for everybody at GitHub',
      {
        ...role,
        ...openId(
          'CONFIG_URL',
          'https://token.actions.githubusercontent.com/.well-known/openid-configuration',
        ),
      },
      /serves everybody/,
    ],
    [
      'claims from elsewhere',
      { ...base, ...openId('CLAIM_USERINFO', 'on') },
      /USERINFO is not supp/,
    ],
    ['an address that is none', { ...role, ...openId('CONFIG_URL', 'idp') }, /is not an http/],
  ])('is refused with %s', async (_what, env, message) => {
    const { code, stderr } = await serve([], env)
    expect(code).toBe(78)
    expect(stderr).toMatch(message)
  })

  it.each<[string, Env, RegExp]>([
    ['no role', { MINIO_IDENTITY_PLUGIN_ROLE_POLICY: '' }, /PLUGIN_ROLE_POLICY must be/],
    ['an unknown policy', { MINIO_IDENTITY_PLUGIN_ROLE_POLICY: 'x' }, /policy x, which/],
    ['an id with spaces', { MINIO_IDENTITY_PLUGIN_ROLE_ID: 'a b' }, /"a b" is not made of/],
    ['no URL', { MINIO_IDENTITY_PLUGIN_URL: 'plugin:9000' }, /is not an http or https URL/],
  ])('is refused with a plugin and %s', async (_what, env, message) => {
    const plugin = {
      MINIO_IDENTITY_PLUGIN_URL: 'http://127.0.0.1:1/',
      MINIO_IDENTITY_PLUGIN_ROLE_POLICY: 'readonly',
      MINIO_IDENTITY_PLUGIN_AUTH_TOKEN: 'hunter2',
    }
    const { code, stderr } = await serve([], { ...plugin, ...env })
    expect(code).toBe(78)
    expect(stderr).toMatch(message)
    expect(stderr).not.toContain('hunter2')
  })

  const document = {
    name: 'deploy',
    policies: ['readwrite'],
    trust: {
      issuer: 'https://token.actions.githubusercontent.com',
      audience: 'sts-cli',
      conditions: { StringEquals: { repository: 'my-org/my-repo' } },
    },
  }
  it.each<[string, object, RegExp]>([
    ['strangers', { trust: { ...document.trust, conditions: {} } }, /no condition says whose/],
    ['no trust', { trust: undefined }, /trust must say who/],
    ['an unknown policy', { policies: ['x'] }, /names the policy x, which does not exist/],
  ])('is refused with a role for %s', async (_what, change, message) => {
    const file = path.join(await makeFolder(), 'deploy.json')
    await writeFile(file, JSON.stringify({ ...document, ...change }))
    const { code, stderr } = await serve(['--role', file], {})
    expect(code).toBe(78)
    expect(stderr).toMatch(message)
  })

  it('is refused with two roles of one ARN, and with a file that is not there', async () => {
    const file = path.join(await makeFolder(), 'deploy.json')
    await writeFile(file, JSON.stringify(document))
    const copy = `${file}.copy`
    await writeFile(copy, JSON.stringify(document))
    const twice = await serve(['--role', file, '--role', copy], {})
    expect(twice).toMatchObject({ code: 78 })
    expect(twice.stderr).toContain('two roles have the ARN arn:minio:iam:us-east-1::role/deploy')
    expect(await serve(['--role', '/nowhere'], {})).toMatchObject({ code: 66 })
  })
})
