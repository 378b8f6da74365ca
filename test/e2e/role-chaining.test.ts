/** A chain of roles at `sts-cli serve`: by the token, then by AssumeRole, with tags, external ID and source identity. */
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeEach, expect, it } from 'vitest'
import { sha256Hex } from '../../src/protocol/digest.ts'
import { signRequest } from '../../src/protocol/sigv4/sign.ts'
import { json, startFake, type Fake } from '../support/commands/harness.ts'
import { openHome, type Home, type Ran } from '../support/e2e/harness.ts'
import { keySet, makeToken, signers } from '../support/tokens.ts'

const account = '000000000000'
const arnOf = (name: string): string => `arn:aws:iam::${account}:role/${name}`
let home: Home
let idp: Fake
let sts: string
let token: string

beforeEach(async () => {
  home = await openHome()
  idp = await startFake(({ url }) =>
    json(url === '/jwks' ? keySet : { issuer: idp.url, jwks_uri: `${idp.url}/jwks` }),
  )
  const nowSeconds = Math.floor(Date.now() / 1000)
  const claims = { iss: idp.url, aud: 'sts-cli', sub: 'job', repository: 'my-org/my-repo' }
  token = makeToken(signers.RS256, { iat: nowSeconds, exp: nowSeconds + 300, ...claims })
  const allow = (statement: object): string =>
    JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', ...statement }] })
  const files = {
    'ci.json': JSON.stringify({
      name: 'ci',
      policies: ['assume'],
      trust: {
        issuer: idp.url,
        audience: 'sts-cli',
        conditions: { StringEquals: { repository: 'my-org/my-repo' } },
      },
    }),
    'deploy.json': JSON.stringify({
      name: 'deploy',
      policies: ['team'],
      trust: {
        principal: { AWS: arnOf('ci') },
        conditions: { StringEquals: { 'sts:ExternalId': 'x-9' } },
        actions: ['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity'],
      },
    }),
    'assume.json': allow({ Action: 'sts:AssumeRole', Resource: arnOf('deploy') }),
    // What only the tagged session of this source identity may do.
    'team.json': allow({
      Action: 's3:PutObject',
      Resource: ['arn:aws:s3:::data/', '{aws:PrincipalTag/team}/*'].join('$'),
      Condition: { StringEquals: { 'aws:SourceIdentity': 'alice' } },
    }),
  }
  for (const [name, text] of Object.entries(files))
    await writeFile(path.join(home.folder, name), text)
  const at = (name: string): string => path.join(home.folder, name)
  const roles = ['--role', at('ci.json'), '--role', at('deploy.json')]
  const policies = [
    '--policy',
    `assume=${at('assume.json')}`,
    '--policy',
    `team=${at('team.json')}`,
  ]
  sts = (await home.serve(['--no-idp', '--bucket', 'data', ...roles, ...policies])).ready.sts
})

const chain = ['--role-arn', arnOf('ci'), '--role-arn', arnOf('deploy')]
const own = ['--external-id', 'x-9', '--tag', 'team=blue', '--source-identity', 'alice']
const login = (...flags: string[]): Promise<Ran> =>
  home.cli(['login', '-sts-ep', sts, '--action', 'web-identity', '-f', 'process', ...flags], {
    env: { STS_CLI_TOKEN: token },
  })

async function put(key: string, { stdout }: Ran): Promise<number> {
  const keys = JSON.parse(stdout) as Record<string, string>
  const credentials = {
    accessKeyId: keys['AccessKeyId'] ?? '',
    secretAccessKey: keys['SecretAccessKey'] ?? '',
    sessionToken: keys['SessionToken'] ?? '',
  }
  const url = new URL(`/data/${key}`, sts)
  const { host: _, ...headers } = signRequest(
    { method: 'PUT', url, headers: {}, payloadHash: sha256Hex('x') },
    credentials,
    { region: 'us-east-1', service: 's3', nowMs: Date.now() },
  )
  return (await fetch(url, { method: 'PUT', headers, body: 'x' })).status
}

it('login goes through a chain, and the session has the last role, the tags and the source identity', async () => {
  const expected = ['--expect-account', account, '--expect-issuer', idp.url]
  const ran = await login(...chain, ...own, ...expected, '--duration', '15m')
  expect(ran).toMatchObject({ code: 0, stderr: '' })
  expect([await put('blue/a', ran), await put('red/a', ran)]).toEqual([200, 403])
})

it('a renewal gives the same rights', async () => {
  await login(...chain, ...own)
  const renewed = await home.cli(['creds', '--refresh', '-f', 'process'], {
    env: { STS_CLI_TOKEN: token },
  })
  expect(renewed).toMatchObject({ code: 0, stderr: '' })
  expect([await put('blue/a', renewed), await put('red/a', renewed)]).toEqual([200, 403])
})

it('a tag or a source identity that is left out gives no rights', async () => {
  const other = ['--external-id', 'x-9', '--tag', 'team=blue', '--source-identity', 'mallory']
  expect(await put('blue/a', await login(...chain, ...other))).toBe(403)
  expect(await put('blue/a', await login(...chain, '--external-id', 'x-9'))).toBe(403)
})

it('another external ID is refused, and the message names the role', async () => {
  const ran = await login(...chain, '--external-id', 'x-8')
  expect(ran).toMatchObject({ code: 77, stdout: '' })
  expect(ran.stderr).toContain(
    `the STS refused the role ${arnOf('deploy')} (HTTP 403, AccessDenied)`,
  )
})

it('an issuer and an account that the server does not name are refused', async () => {
  const wrong = await login(...chain, ...own, '--expect-issuer', `${idp.url}/other`)
  expect(wrong).toMatchObject({ code: 77, stdout: '' })
  expect(await login(...chain, ...own, '--expect-account', '999999999999')).toMatchObject({
    code: 77,
    stdout: '',
  })
})
