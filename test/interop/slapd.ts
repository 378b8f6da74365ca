/** A real slapd in its own folder: users, groups, and a lookup account; plain, StartTLS and ldaps. */
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { execa } from 'execa'
import { makeCertificate } from '../../src/server/http/self-signed-certificate.ts'
import { findFreePort } from './free-port.ts'
import { cachedPath } from './stack.ts'

export interface Slapd {
  readonly plainPort: number
  readonly tlsPort: number
  /** PEM file of the CA of its certificate. */
  readonly caFile: string
  stop(): Promise<void>
  /** Starts it again on the same ports with the same entries. */
  start(): Promise<void>
  /** Stops it and removes its folder. */
  remove(): Promise<void>
}

const suffix = 'dc=example,dc=org'
export const people = `ou=people,${suffix}`
export const groups = `ou=groups,${suffix}`
export const lookup = { dn: `cn=lookup,${suffix}`, password: 'lookup-password' }

/** A name with a comma, parentheses, a star and a backslash: all special characters of a name or a filter. */
const oddName = String.raw`cn=Smith\, J. (ops*) \5Cx`

const person = (rdn: string, uid: string, password: string): string => `
dn: ${rdn},${people}
objectClass: inetOrgPerson
uid: ${uid}
${rdn.startsWith('cn=') ? '' : `cn: ${uid}\n`}sn: ${uid}
userPassword: ${password}
`
const entries = `dn: ${suffix}
objectClass: dcObject
objectClass: organization
o: Example
dc: example

dn: ${people}
objectClass: organizationalUnit
ou: people

dn: ${groups}
objectClass: organizationalUnit
ou: groups

dn: ${lookup.dn}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: lookup
userPassword: ${lookup.password}
${person('uid=alice', 'alice', 'wonderland')}${person('uid=bob', 'bob', 'builder')}${person(oddName, 'smith', 'odd-password')}
dn: cn=ops,${groups}
objectClass: groupOfNames
cn: ops
member: uid=alice,${people}

dn: cn=odd,${groups}
objectClass: groupOfNames
cn: odd
member: ${oddName},${people}
`

/** Fills a folder and starts slapd on free ports of 127.0.0.1. */
export async function startSlapd(): Promise<Slapd> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sts-cli-slapd-'))
  const root = cachedPath('slapd')
  const { cert, key } = await makeCertificate(Date.now())
  const file = (name: string): string => path.join(folder, name)
  await mkdir(file('db'))
  await writeFile(file('cert.pem'), cert)
  await writeFile(file('key.pem'), key, { mode: 0o600 })
  await writeFile(file('entries.ldif'), entries)
  await writeFile(file('slapd.conf'), configure(root, folder))
  // One folder for each architecture, such as x86_64-linux-gnu.
  const libraries = (await readdir(path.join(root, 'usr', 'lib'), { withFileTypes: true }))
    .filter((entry) => entry.isDirectory())
    .map((entry) => path.join(root, 'usr', 'lib', entry.name))
  const env = { PATH: process.env['PATH'] ?? '', LD_LIBRARY_PATH: libraries.join(':') }
  const slapd = path.join(root, 'usr', 'sbin', 'slapd')
  const common = ['-f', file('slapd.conf')]
  await execa(slapd, ['-Tadd', ...common, '-l', file('entries.ldif')], { env })
  const [plainPort, tlsPort] = [await findFreePort(), await findFreePort()]
  const addresses = `ldap://127.0.0.1:${plainPort} ldaps://127.0.0.1:${tlsPort}`
  let stop = async (): Promise<void> => {}
  const start = async (): Promise<void> => {
    // Any -d keeps slapd in the foreground.
    const child = spawn(slapd, [...common, '-h', addresses, '-d', '0'], { env, stdio: 'ignore' })
    const ended = new Promise((resolve) => child.once('exit', resolve))
    stop = async () => {
      child.kill('SIGKILL')
      await ended
    }
    await waitForPort(tlsPort, ended)
  }
  await start()
  return {
    plainPort,
    tlsPort,
    caFile: file('cert.pem'),
    start,
    stop: () => stop(),
    async remove() {
      await stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function configure(root: string, folder: string): string {
  const schemas = ['core', 'cosine', 'inetorgperson']
  return `${schemas.map((name) => `include ${root}/etc/ldap/schema/${name}.schema`).join('\n')}
modulepath ${root}/usr/lib/ldap
moduleload back_mdb
pidfile ${folder}/slapd.pid
TLSCertificateFile ${folder}/cert.pem
TLSCertificateKeyFile ${folder}/key.pem
# OpenLDAP's own answer to a name without a password: success, as anonymous.
allow bind_anon_cred bind_anon_dn
database mdb
maxsize 10485760
suffix "${suffix}"
directory ${folder}/db
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="${lookup.dn}" read by * none
`
}

async function waitForPort(port: number, ended: Promise<unknown>): Promise<void> {
  let hasEnded = false
  void ended.then(() => (hasEnded = true))
  for (;;) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1')
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
      socket.once('connect', () => socket.destroy())
    })
    if (isOpen) return
    if (hasEnded) throw new Error('slapd ended before it listened')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
