import { describe, expect, it } from 'vitest'
import {
  createLdapDirectory,
  type LdapDirectory,
  type LdapOptions,
} from '../../../../src/server/identity/ldap/ldap-directory.ts'
import { createLoginThrottle } from '../../../../src/server/identity/ldap/login-throttle.ts'
import { makeCertificate } from '../../../../src/server/http/self-signed-certificate.ts'
import { findClosedPort } from '../../../support/commands/harness.ts'
import {
  startDirectory,
  type FakeDirectory,
  type Script,
} from '../../../support/server/fake-directory.ts'

const people = 'ou=people,dc=example,dc=org'
const groups = 'ou=groups,dc=example,dc=org'
const lookupDn = 'cn=lookup,dc=example,dc=org'
const alice = `uid=alice,${people}`
const ops = `cn=ops,${groups}`
const wrong = { code: 'InvalidParameterValue', message: 'the LDAP user name or password is wrong' }

const script: Script = {
  accounts: { [lookupDn]: 'lookup-password', [alice]: 'alice-password' },
  search: (base, filter) => {
    if (base === people && filter === '(uid=alice)') return [alice]
    return base === groups && filter === `(member=${alice})` ? [ops] : []
  },
}

interface Opened extends FakeDirectory {
  readonly directory: LdapDirectory
  readonly logged: string[]
  readonly waited: number[]
}

async function open(
  changes: Partial<Script> = {},
  options: Partial<LdapOptions> = {},
): Promise<Opened> {
  const fake = await startDirectory({ ...script, ...changes })
  const logged: string[] = []
  const waited: number[] = []
  const log = (facts: object, message: string): void =>
    void logged.push(`${message} ${JSON.stringify(facts)}`)
  let now = 0
  const nowMs = (): number => now
  const wait = async (delayMs: number): Promise<void> => {
    waited.push(delayMs)
    now += delayMs
  }
  const directory = createLdapDirectory(
    {
      host: '127.0.0.1',
      port: fake.port,
      security: 'none',
      isCertificateChecked: true,
      timeoutMs: 10_000,
      ca: undefined,
      lookupDn,
      lookupPassword: 'lookup-password',
      userBases: [people],
      userFilter: '(uid=%s)',
      groupBases: [groups],
      groupFilter: '(member=%d)',
      ...options,
    },
    {
      throttle: createLoginThrottle({ nowMs, wait }),
      log: { info: log, warn: log, error: log },
      nowMs,
    },
  )
  return { ...fake, asked: fake.asked, directory, logged, waited }
}

const login = { username: 'alice', password: 'alice-password', address: '10.0.0.1' }

describe('an LDAP login', () => {
  it('an LDAP login looks the user up, checks the password by a bind, and reads the groups as the lookup account', async () => {
    const { directory, asked } = await open()
    expect(await directory.logIn(login)).toEqual({ dn: alice, username: 'alice', groups: [ops] })
    expect(asked).toEqual([
      `bind ${lookupDn}`,
      `search ${people} (uid=alice)`,
      `bind ${alice}`,
      `bind ${lookupDn}`,
      `search ${groups} (member=${alice})`,
    ])
  })

  it('an LDAP login reads no groups if none are configured', async () => {
    const { directory, asked } = await open({}, { groupFilter: undefined })
    expect(await directory.logIn(login)).toEqual({ dn: alice, username: 'alice', groups: [] })
    expect(asked).toHaveLength(3)
  })

  it('an LDAP login searches every base, for users and for groups', async () => {
    const bases = { userBases: ['ou=a', people], groupBases: [groups, 'ou=more'] }
    const more = 'cn=more,ou=more'
    const search: Script['search'] = (base, filter) =>
      base === 'ou=more' ? [more] : script.search(base, filter)
    const { directory } = await open({ search }, bases)
    expect(await directory.logIn(login)).toEqual({
      dn: alice,
      username: 'alice',
      groups: [ops, more],
    })
  })

  it('the group filter may contain the user name too', async () => {
    const { directory, asked } = await open({}, { groupFilter: '(&(a=%d)(memberuid=%s))' })
    await directory.logIn(login)
    expect(asked.at(-1)).toBe(`search ${groups} (&(a=${alice})(memberuid=alice))`)
  })
})

describe('the user name of a session', () => {
  const ivanov = `cn=Ivan Ivanov,${people}`
  const accounts = { ...script.accounts, [ivanov]: 'alice-password' }
  /** Finds one entry by any spelling, as a directory does that compares names by its own rules. */
  const search: Script['search'] = (base) =>
    base === people
      ? [{ dn: ivanov, attributes: { UID: ['i.ivanov'], mail: ['I.Ivanov@example.org'] } }]
      : [ops]
  const spellings = [
    'i.ivanov',
    'I.Ivanov',
    ' i.ivanov',
    'i.ivanov  ',
    'i.\u200bivanov',
    'ｉ.ivanov',
    'i.ivanov.',
    'i.ivanov\0',
    'I.IVANOV@EXAMPLE.ORG',
  ]

  it.each(spellings)('the session gets the directory’s name when %j is typed', async (username) => {
    const { directory } = await open({ accounts, search })
    expect(await directory.logIn({ ...login, username })).toEqual({
      dn: ivanov,
      username: 'i.ivanov',
      groups: [ops],
    })
  })

  it.each(spellings)(
    'the group filter gets the directory’s user name when %j is typed',
    async (username) => {
      const { directory, asked } = await open(
        { accounts, search },
        { groupFilter: '(memberuid=%s)' },
      )
      await directory.logIn({ ...login, username })
      expect(asked.at(-1)).toBe(`search ${groups} (memberuid=i.ivanov)`)
    },
  )

  it('the directory is asked for the attributes in the user filter', async () => {
    const { directory } = await open(
      { accounts, search },
      { userFilter: '(&(objectClass=person)(|(mail=%s)(uid=%s)))' },
    )
    expect(await directory.logIn(login)).toMatchObject({ username: 'I.Ivanov@example.org' })
  })
})

describe('refused LDAP logins', () => {
  it('an unknown user and a wrong password get the same answer, after the same steps', async () => {
    const unknown = await open()
    const mistyped = await open()
    await expect(unknown.directory.logIn({ ...login, username: 'nobody' })).rejects.toMatchObject(
      wrong,
    )
    await expect(mistyped.directory.logIn({ ...login, password: 'x' })).rejects.toMatchObject(wrong)
    const steps = ({ asked }: Opened): string[] => asked.map((line) => line.split(' ')[0] ?? '')
    expect(steps(unknown)).toEqual(steps(mistyped))
    expect(unknown.asked[2]).toBe(`bind cn=nobody-of-that-name,${people}`)
  })

  it('an unknown user cannot log in as the name that is bound instead, even if the directory has it', async () => {
    const nobody = `cn=nobody-of-that-name,${people}`
    const { directory } = await open({ accounts: { ...script.accounts, [nobody]: 'known' } })
    const given = { ...login, username: 'unknown', password: 'known' }
    await expect(directory.logIn(given)).rejects.toMatchObject(wrong)
  })

  it.each([
    ['an empty password, which many directories accept in a bind', { password: '' }],
    ['an empty name', { username: '' }],
    ['an overlong name', { username: 'a'.repeat(257) }],
    ['an overlong password', { password: 'é'.repeat(513) }],
  ])('the directory is not asked if a login has %s', async (_what, change) => {
    const { directory, asked } = await open({ accounts: { ...script.accounts, [alice]: '' } })
    await expect(directory.logIn({ ...login, ...change })).rejects.toMatchObject(wrong)
    expect(asked).toEqual([])
  })

  it.each([
    ['*', '(uid=\\2a)'],
    ['alice)(uid=*', '(uid=alice\\29\\28uid=\\2a)'],
    ['alice\\', '(uid=alice\\5c)'],
    ['a\0b', '(uid=a\\00b)'],
    ['$&%d', '(uid=$&%d)'],
  ])('the name %j is escaped in the filter', async (username, filter) => {
    const { directory, asked } = await open()
    await expect(directory.logIn({ ...login, username })).rejects.toMatchObject(wrong)
    expect(asked[1]).toBe(`search ${people} ${filter}`)
  })

  it('a distinguished name is escaped in the group filter', async () => {
    const dn = `cn=a\\2c(b*),${people}`
    const { directory, asked } = await open({
      accounts: { ...script.accounts, [dn]: 'alice-password' },
      search: (base) => (base === people ? [dn] : []),
    })
    await directory.logIn(login)
    expect(asked.at(-1)).toBe(`search ${groups} (member=cn=a\\5c2c\\28b\\2a\\29,${people})`)
  })

  it.each([
    ['two users have the name', [alice, `uid=alice,ou=b,${people}`]],
    ['the entry has no name', ['']],
  ])('a login is refused if %s', async (_what, found) => {
    const { directory } = await open({
      accounts: { ...script.accounts, '': 'alice-password' },
      search: (base) => (base === people ? found : []),
    })
    await expect(directory.logIn(login)).rejects.toMatchObject(wrong)
  })

  it.each([19, 49, 50, 53])('a login is refused if the bind fails with code %i', async (code) => {
    const { directory } = await open({ bindCode: (dn) => (dn === alice ? code : undefined) })
    await expect(directory.logIn(login)).rejects.toMatchObject(wrong)
  })
})

describe('a failing LDAP server', () => {
  const down = {
    code: 'ServiceUnavailable',
    message: 'the LDAP server does not answer; try again',
  }

  it.each<[string, Partial<Script>]>([
    ['closes the connection', { raw: 'cut' }],
    ['refuses the lookup account', { accounts: { [alice]: 'alice-password' } }],
    ['is busy when the user binds', { bindCode: (dn) => (dn === alice ? 51 : undefined) }],
    ['answers a search with an error', { searchCode: 1 }],
    ['sends endless data', { raw: Buffer.alloc(3 * 1024 * 1024, 0x30) }],
    [
      'finds more groups than a session can contain',
      { search: (b, f) => (b === groups ? manyNames(501) : script.search(b, f)) },
    ],
  ])('the answer is 503 if the LDAP server %s', async (_what, changes) => {
    const { directory, logged } = await open(changes)
    await expect(directory.logIn(login)).rejects.toMatchObject(down)
    expect(logged[0]).toMatch(/^the directory could not answer \{"reason":"\w*Error: ./)
    expect(logged.join()).not.toContain('password"')
    expect(logged.join()).not.toMatch(/alice-password|lookup-password/)
  })

  it.each<[string, Partial<Script>]>([
    ['sends nothing', { raw: 'nothing' }],
    ['sends bytes that are not LDAP', { raw: Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n') }],
  ])('a login times out if the LDAP server %s', async (_what, changes) => {
    const { directory, logged } = await open(changes, { timeoutMs: 100 })
    await expect(directory.logIn(login)).rejects.toMatchObject(down)
    expect(logged[0]).toContain('no answer within 100 ms')
  })

  it('the answer is 503 if the LDAP server is unreachable, and that does not count as a failed login', async () => {
    const port = await findClosedPort()
    const { directory, waited } = await open({}, { port })
    for (let attempt = 0; attempt < 5; attempt += 1)
      await expect(directory.logIn(login)).rejects.toMatchObject(down)
    expect(waited).toEqual([])
  })

  it('readiness depends on the login of the lookup account', async () => {
    expect(await (await open()).directory.checkReady()).toBe(true)
    expect(await (await open({ raw: 'cut' })).directory.checkReady()).toBe(false)
    expect(await (await open({ accounts: {} })).directory.checkReady()).toBe(false)
  })
})

function manyNames(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `cn=g${index},${groups}`)
}

describe('the connection to an LDAP server', () => {
  it.each([
    ['ldaps', false],
    ['starttls', true],
  ])('the LDAP server is trusted only with its own CA: %s', async (_what, isUpgrade) => {
    const { cert, key } = await makeCertificate(Date.now())
    const other = await makeCertificate(Date.now())
    const tls = { cert, key, isUpgrade }
    const security = isUpgrade ? 'starttls' : 'tls'
    const logIn = async (options: Partial<LdapOptions>): Promise<unknown> => {
      const { directory } = await open({ tls }, { security, ...options })
      return directory.logIn(login).catch((error: { code: string }) => error.code)
    }
    expect(await logIn({ ca: [cert] })).toMatchObject({ dn: alice })
    expect(await logIn({ ca: [cert], host: 'localhost' })).toMatchObject({ dn: alice })
    expect(await logIn({ ca: [other.cert] })).toBe('ServiceUnavailable')
    expect(await logIn({})).toBe('ServiceUnavailable')
    expect(await logIn({ isCertificateChecked: false })).toMatchObject({ dn: alice })
  })

  it('no password is sent if the LDAP server refuses StartTLS', async () => {
    const { directory, asked } = await open({}, { security: 'starttls' })
    await expect(directory.logIn(login)).rejects.toMatchObject({ code: 'ServiceUnavailable' })
    expect(asked).toEqual(['starttls'])
  })
})

describe('repeated wrong passwords', () => {
  it('repeated wrong passwords are delayed more and more, and the right password still works', async () => {
    const { directory, waited } = await open()
    for (let attempt = 0; attempt < 7; attempt += 1)
      await expect(directory.logIn({ ...login, password: 'x' })).rejects.toMatchObject(wrong)
    expect(waited).toEqual([250, 500, 1000, 2000])
    expect(await directory.logIn(login)).toMatchObject({ dn: alice })
    expect(await directory.logIn(login)).toMatchObject({ dn: alice })
  })
})
