/** The blocks of README.md about roles, LDAP and certificates, run unchanged except for addresses and files. */
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { json, startFake } from '../support/commands/harness.ts'
import { keySet, makeToken, signers } from '../support/tokens.ts'
import { findBlock } from '../support/readme-blocks.ts'
import { startDirectory } from '../support/server/fake-directory.ts'
import { makePair } from '../support/server/certificates.ts'
import { openHome, type Home } from '../support/e2e/harness.ts'

/** Replaces texts, and throws if one is missing. */
function replace(text: string, changes: Readonly<Record<string, string>>): string {
  let changed = text
  for (const [from, to] of Object.entries(changes)) {
    if (!changed.includes(from)) throw new Error(`the block holds no ${from}`)
    changed = changed.replaceAll(from, to)
  }
  return changed
}

/** Runs a block with `sts-cli serve` and a login: waits until the server is ready, and stops it afterwards. */
function runBeside(home: Home, block: string, login: Readonly<Record<string, string>>) {
  const lines = block.trimEnd().split('\n')
  const at = lines.findIndex((line) => line.startsWith('sts-cli serve'))
  const serve = lines[at] ?? ''
  const free = '--json --address 127.0.0.1:0 --idp-address 127.0.0.1:0'
  return home.shell(
    'bash',
    [
      `cd '${home.folder}'`,
      ...lines.slice(0, at),
      `exec 3< <(exec ${serve.replace('sts-cli serve', `sts-cli serve ${free}`)})`,
      'read -r ready <&3',
      'field() { node -p "JSON.parse(process.argv[1]).$1" "$ready"; }',
      'sts=$(field sts)',
      ...lines.slice(at + 1).map((line) => replace(line, login)),
      'code=$?; kill "$(field pid)"; exit $code',
    ].join('\n'),
  )
}

describe('identity sources in README.md', () => {
  it('README.md’s role accepts a job of its repository', async () => {
    const claims = { repository: 'my-org/my-repo', ref: 'refs/heads/main', sub: 'job' }
    const nowSeconds = Math.floor(Date.now() / 1000)
    const idp = await startFake(({ url }) => {
      if (url === '/jwks') return json(keySet)
      if (!url.startsWith('/request')) return json({ issuer: idp.url, jwks_uri: `${idp.url}/jwks` })
      const aud = new URL(url, idp.url).searchParams.get('audience')
      const times = { iat: nowSeconds, exp: nowSeconds + 300 }
      return json({ value: makeToken(signers.RS256, { iss: idp.url, aud, ...times, ...claims }) })
    })
    const home = await openHome()
    const github = 'https://token.actions.githubusercontent.com'
    const role = findBlock('GitHub Actions, GitLab: roles 1').text
    const file = path.join(home.folder, 'role.json')
    await writeFile(file, role)
    const { ready, ...real } = await home.serve(['--no-idp', '--role', file])
    await real.stop()
    await writeFile(file, replace(role, { [github]: idp.url }))
    const serving = await home.serve(['--no-idp', '--role', file])
    const block = findBlock('GitHub Actions, GitLab: roles 2').text
    const arns = (ready as typeof ready & { roles: string[] }).roles
    expect(arns.every((arn) => block.includes(arn))).toBe(true)
    const variables = `export ACTIONS_ID_TOKEN_REQUEST_URL='${idp.url}/request?a=b' ACTIONS_ID_TOKEN_REQUEST_TOKEN=t GITHUB_ENV=env GITHUB_OUTPUT=out`
    const here = replace(block, { 'https://minio.example.com:9000': serving.ready.sts })
    const script = [`cd '${home.folder}'`, 'touch env out', variables, here, 'cat env'].join('\n')
    const { code, stdout, stderr } = await home.shell('bash', script)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('AWS_SESSION_TOKEN')
  })

  it('README.md’s LDAP block logs in a user of the directory', async () => {
    const suffix = 'dc=example,dc=com'
    const alice = `uid=alice,ou=people,${suffix}`
    const { port } = await startDirectory({
      accounts: { [`cn=lookup,${suffix}`]: 'lookup', [alice]: 'wonderland' },
      search: (_base, filter) => {
        if (filter === '(uid=alice)') return [alice]
        return filter === `(member=${alice})` ? [`cn=ops,ou=groups,${suffix}`] : []
      },
    })
    const home = await openHome()
    await writeFile(path.join(home.folder, 'lookup-password.txt'), 'lookup\n')
    await writeFile(path.join(home.folder, 'password.txt'), 'wonderland\n')
    const address = `127.0.0.1:${port}\nexport MINIO_IDENTITY_LDAP_SERVER_INSECURE=on`
    const block = replace(findBlock('LDAP 1').text, { 'ldap.example.com:636': address })
    const login = {
      '--username alice': '--username alice --password-file password.txt -sts-ep $sts',
    }
    const { code, stdout, stderr } = await runBeside(home, block, login)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^##### Credentials/)
  })

  it('README.md’s certificate block gives credentials for a client certificate', async () => {
    const home = await openHome()
    await mkdir(home.folder, { recursive: true })
    const authority = await makePair('authority', { isAuthority: true })
    const { makeCertificate } = await import('../../src/server/http/self-signed-certificate.ts')
    const server = await makeCertificate(Date.now())
    const me = await makePair('readonly', { ca: authority })
    const files = { 'clients-ca.pem': authority.cert, 'me.pem': me.cert, 'me.key': me.key }
    const all = { ...files, 'server.pem': server.cert, 'server.key': server.key }
    for (const [name, text] of Object.entries(all))
      await writeFile(path.join(home.folder, name), text)
    const login = { '-sts-ep https://localhost:9000': '-sts-ep $sts --ca-file server.pem' }
    const block = findBlock('Client certificates 1').text
    const { code, stdout, stderr } = await runBeside(home, block, login)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^##### Credentials/)
  })
})
