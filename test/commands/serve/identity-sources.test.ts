import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { makeFolder, runLine, type Ran } from '../../support/commands/harness.ts'

type Env = Readonly<Record<string, string>>

/** Runs `serve` with settings that it must refuse at start. */
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

const ownArn = (name: string): string => `arn:aws:iam::000000000000:${name}`

describe('serve with an LDAP directory', () => {
  const variable = (name: string, value: string): Env => ({
    [`MINIO_IDENTITY_LDAP_${name}`]: value,
  })
  it.each<[string, Env, RegExp]>([
    ['no lookup account', variable('LOOKUP_BIND_DN', ''), /LOOKUP_BIND_DN must be/],
    ['no lookup password', variable('LOOKUP_BIND_PASSWORD', ''), /LOOKUP_BIND_PASSWORD must be/],
    ['a bare name', variable('LOOKUP_BIND_DN', 'lookup'), /"lookup" is not a distinguished name/],
    ['no search base', variable('USER_DN_SEARCH_BASE_DN', ''), /USER_DN_SEARCH_BASE_DN must be/],
    ['a bare base DN', variable('USER_DN_SEARCH_BASE_DN', 'dc=x;people'), /"people" is not a dist/],
    ['a filter for every user', variable('USER_DN_SEARCH_FILTER', '(uid=*)'), /filter with %s/],
    ['a filter without parentheses', variable('USER_DN_SEARCH_FILTER', 'uid=%s'), /in parentheses/],
    [
      'a group search without a filter',
      variable('GROUP_SEARCH_BASE_DN', 'dc=x'),
      /GROUP_SEARCH_FILTER must/,
    ],
    [
      'a group filter without the user',
      {
        ...variable('GROUP_SEARCH_BASE_DN', 'dc=x'),
        ...variable('GROUP_SEARCH_FILTER', '(cn=ops)'),
      },
      /filter with %d or %s/,
    ],
    ['a URL', variable('SERVER_ADDR', 'ldaps://ldap.example.com'), /is not HOST or HOST:PORT/],
    ['an invalid port', variable('SERVER_ADDR', 'h:70000'), /is not HOST or HOST:PORT/],
    ['an invalid boolean', variable('TLS_SKIP_VERIFY', 'perhaps'), /neither on nor off/],
    [
      'both plain LDAP and STARTTLS',
      {
        ...variable('SERVER_INSECURE', 'on'),
        ...variable('SERVER_STARTTLS', 'on'),
      },
      /are both on/,
    ],
    [
      'a user name format',
      variable('USERNAME_FORMAT', 'uid=%s'),
      /USERNAME_FORMAT is not supported/,
    ],
    ['an SRV record', variable('SRV_RECORD_NAME', 'on'), /SRV_RECORD_NAME is not supported/],
  ])('serve refuses LDAP settings with %s', async (_what, change, message) => {
    const { code, stderr } = await serve([], { ...ldap, ...change })
    expect(code).toBe(78)
    expect(stderr).toMatch(/^error: serve: MINIO_IDENTITY_LDAP_/)
    expect(stderr).toMatch(message)
    expect(stderr).not.toContain('hunter2')
  })

  it.each<[string, string[], number, RegExp]>([
    ['without a group', ['--ldap-policy', 'readonly'], 64, /is not a distinguished name/],
    ['for a bare word', ['--ldap-policy', 'readonly=ops'], 64, /"ops" is not a distinguished name/],
    ['without a policy', ['--ldap-policy', '=cn=ops'], 64, /or has no policy/],
    ['that does not exist', ['--ldap-policy', 'admin=cn=ops'], 78, /the policy admin, which does/],
    ['from a missing file', ['--ldap-policy-file', '/nowhere'], 66, /\/nowhere cannot be read/],
  ])('serve refuses an LDAP policy %s', async (_what, argv, code, message) => {
    const ran = await serve(argv, ldap)
    expect(ran.code).toBe(code)
    expect(ran.stderr).toMatch(message)
  })

  it.each(['[]', '{"cn=ops": 7}', '{"cn=ops": [7]}', 'cn=ops', '""'])(
    'serve refuses %s as the contents of an LDAP policy file',
    async (text) => {
      const file = path.join(await makeFolder(), 'policies.json')
      await writeFile(file, text)
      expect(await serve(['--ldap-policy-file', file], ldap)).toMatchObject({ code: 65 })
    },
  )

  it('serve refuses an LDAP policy without a directory', async () => {
    const { code, stderr } = await serve(['--ldap-policy', 'readonly=cn=ops'], {})
    expect(code).toBe(64)
    expect(stderr).toContain('set MINIO_IDENTITY_LDAP_SERVER_ADDR')
  })
})

describe('serve with client certificates', () => {
  const on = { MINIO_IDENTITY_TLS_ENABLE: 'on' }

  it.each<[string, string[], Env, number, RegExp]>([
    ['no CA', ['--tls'], on, 78, /name the authority of your clients with --client-ca/],
    ['no https', ['--client-ca', 'any.pem'], on, 78, /shown over https alone/],
    ['no https, with only the flag', ['--client-ca', 'any.pem'], {}, 78, /shown over https alone/],
    ['no CA file', ['--tls', '--client-ca', '/nowhere'], on, 66, /\/nowhere cannot be read/],
    [
      'SKIP_VERIFY',
      ['--tls', '--client-ca', 'any.pem'],
      {
        ...on,
        MINIO_IDENTITY_TLS_SKIP_VERIFY: 'on',
      },
      78,
      /anybody could make a certificate/,
    ],
    ['a bad boolean', ['--tls'], { MINIO_IDENTITY_TLS_ENABLE: 'maybe' }, 78, /neither on nor off/],
  ])('serve refuses client certificates with %s', async (_what, argv, env, code, message) => {
    const ran = await serve(argv, env)
    expect(ran.code).toBe(code)
    expect(ran.stderr).toMatch(message)
  })

  it.each(['', 'certificate', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'])(
    'serve refuses a client CA file that contains %j',
    async (text) => {
      const file = path.join(await makeFolder(), 'ca.pem')
      await writeFile(file, text)
      const { code, stderr } = await serve(['--tls', '--client-ca', file], on)
      expect(code).toBe(65)
      expect(stderr).toContain(`${file} holds no certificates in PEM`)
    },
  )
})

describe('serve with trusted issuers', () => {
  const openId = (name: string, value: string): Env => ({
    [`MINIO_IDENTITY_OPENID_${name}`]: value,
  })
  const configUrl = 'https://idp.example.com/.well-known/openid-configuration'
  const base = { ...openId('CONFIG_URL', configUrl), ...openId('CLIENT_ID', 'app') }
  const role = { ...base, ...openId('ROLE_POLICY', 'readonly') }

  it.each<[string, Env, RegExp]>([
    [
      'two providers whose claims name policies',
      { ...base, ...openId('CONFIG_URL_B', configUrl), ...openId('CLIENT_ID_B', 'b') },
      /CONFIG_URL_B is a second provider/,
    ],
    ['a role without a provider', openId('ROLE_POLICY', 'readonly'), /OPENID_CONFIG_URL must be/],
    ['a named role and no provider', openId('ROLE_POLICY_B', 'readonly'), /CONFIG_URL_B must be/],
    ['a role without a client', { ...role, ...openId('CLIENT_ID', '') }, /CLIENT_ID must be/],
    ['a role without a policy', { ...role, ...openId('ROLE_POLICY', ' , ') }, /names no policy/],
    [
      'a role with a policy that does not exist',
      { ...role, ...openId('ROLE_POLICY', 'x') },
      /policy x,/,
    ],
    ['both a role and a claim', { ...role, ...openId('CLAIM_NAME', 'groups') }, /are both set/],
    [
      'two roles for one client',
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
      'claims from the userinfo endpoint',
      { ...base, ...openId('CLAIM_USERINFO', 'on') },
      /USERINFO is not supp/,
    ],
    ['an invalid URL', { ...role, ...openId('CONFIG_URL', 'idp') }, /is not an http/],
  ])('serve refuses OpenID settings with %s', async (_what, env, message) => {
    const { code, stderr } = await serve([], env)
    expect(code).toBe(78)
    expect(stderr).toMatch(message)
  })

  it.each<[string, Env, RegExp]>([
    ['no role', { MINIO_IDENTITY_PLUGIN_ROLE_POLICY: '' }, /PLUGIN_ROLE_POLICY must be/],
    ['an unknown policy', { MINIO_IDENTITY_PLUGIN_ROLE_POLICY: 'x' }, /policy x, which/],
    ['an id with spaces', { MINIO_IDENTITY_PLUGIN_ROLE_ID: 'a b' }, /"a b" is not made of/],
    ['an invalid URL', { MINIO_IDENTITY_PLUGIN_URL: 'plugin:9000' }, /is not an http or https URL/],
  ])('serve refuses an identity plugin with %s', async (_what, env, message) => {
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
    ['no conditions', { trust: { ...document.trust, conditions: {} } }, /no condition says whose/],
    ['no trust policy', { trust: undefined }, /trust must say who/],
    ['an unknown policy', { policies: ['x'] }, /names the policy x, which does not exist/],
  ])('serve refuses a role file with %s', async (_what, change, message) => {
    const file = path.join(await makeFolder(), 'deploy.json')
    await writeFile(file, JSON.stringify({ ...document, ...change }))
    const { code, stderr } = await serve(['--role', file], {})
    expect(code).toBe(78)
    expect(stderr).toMatch(message)
  })

  it.each<[string, Readonly<Record<string, unknown>>, RegExp]>([
    ['whose trust lets everyone in', { a: '*' }, /principal \* lets everyone in/],
    ['of another account', { a: 'arn:aws:iam::123456789012:root' }, /another account/],
    [
      'that trusts a role that there is not',
      { a: ownArn('role/c') },
      /a trusts \S+role\/c, but there/,
    ],
    [
      'that trusts a session of no role',
      { a: 'arn:aws:sts::000000000000:assumed-role/c/s' },
      /but there/,
    ],
    ['that only itself may assume', { a: ownArn('role/a') }, /role\/a can be assumed by nobody/],
    [
      'in a circle',
      { a: ownArn('role/b'), b: ownArn('role/a') },
      /role\/a can be assumed by nobody/,
    ],
    ['with the name that stands for no role', { 'a/sts-cli': ownArn('root') }, /reserved name/],
    [
      'that trusts a session of one of two roles',
      {
        a: 'arn:aws:sts::000000000000:assumed-role/b/s',
        'x/b': ownArn('root'),
        'y/b': ownArn('root'),
      },
      /can be a session of \S+role\/x\/b or \S+role\/y\/b: name the role/,
    ],
  ])('serve refuses a role %s', async (_what, principals, message) => {
    const folder = await makeFolder()
    const files = Object.entries(principals).map(async ([name, principal], at) => {
      const file = path.join(folder, `${at}.json`)
      const policies = ['readwrite']
      await writeFile(file, JSON.stringify({ name, policies, trust: { principal } }))
      return ['--role', file]
    })
    const { code, stderr } = await serve((await Promise.all(files)).flat(), {})
    expect(stderr).toMatch(message)
    expect(code).toBe(78)
  })

  it('serve refuses two roles with one ARN, and a missing role file', async () => {
    const file = path.join(await makeFolder(), 'deploy.json')
    await writeFile(file, JSON.stringify(document))
    const copy = `${file}.copy`
    await writeFile(copy, JSON.stringify(document))
    const twice = await serve(['--role', file, '--role', copy], {})
    expect(twice).toMatchObject({ code: 78 })
    expect(twice.stderr).toContain('two roles have the ARN arn:minio:iam:us-east-1::role/deploy')
    expect(await serve(['--role', '/nowhere'], {})).toMatchObject({ code: 66 })
  })

  it.each([
    'arn:aws:iam::000000000000:role/deploy',
    'arn:aws:iam:::role/deploy',
    'arn:minio:iam:eu-west-1::role/deploy',
  ])(
    'serve refuses a second role that bucket policies would take for the first: %s',
    async (arn) => {
      const file = path.join(await makeFolder(), 'deploy.json')
      await writeFile(file, JSON.stringify(document))
      const other = `${file}.other`
      await writeFile(other, JSON.stringify({ ...document, name: 'other', arn }))
      const { code, stderr } = await serve(['--role', file, '--role', other], {})
      expect(code).toBe(78)
      expect(stderr).toContain(`two roles have the ARN ${arn}`)
    },
  )

  it.each([
    { name: 'by-claim' },
    { name: 'x', arn: 'arn:aws:iam::000000000000:role/by-claim' },
    { name: 'x', arn: 'arn:aws:iam::123456789012:role/by-claim' },
  ])('serve refuses a role whose ARN means the token’s claim: %j', async (change) => {
    const file = path.join(await makeFolder(), 'role.json')
    await writeFile(file, JSON.stringify({ ...document, ...change }))
    const { code, stderr } = await serve(['--role', file], {})
    expect(code).toBe(78)
    expect(stderr).toContain(
      "role/by-claim is reserved: it means the policies of the token's claim",
    )
  })
})
