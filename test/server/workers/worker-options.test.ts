/** The options that the primary sends to its workers, over a channel that copies values as `structuredClone` does. */
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { deserialize, serialize } from 'node:v8'
import { expect, it, onTestFinished } from 'vitest'
import { silentLog } from '../../../src/base/log.ts'
import { optionsOf } from '../../../src/commands/options/option-table.ts'
import { parseArgv } from '../../../src/commands/options/parse-argv.ts'
import { readServerOptions } from '../../../src/commands/serve/server-options.ts'
import { createSettings } from '../../../src/commands/options/settings.ts'
import { createServer } from '../../../src/server/create-server.ts'
import type { ServerOptions } from '../../../src/server/options/server-options.ts'
import {
  type SharedParts,
  toServerOptions,
  toWorkerOptions,
  type WorkerOptions,
} from '../../../src/server/workers/worker-options.ts'
import { createIo, makeFolder } from '../../support/commands/harness.ts'
import { keySet, makeToken, nowMs, signers } from '../../support/tokens.ts'

const own = { log: silentLog, nowMs: () => nowMs, peers: undefined }

function readOptions(argv: readonly string[], env: Record<string, string> = {}): ServerOptions {
  const parsed = parseArgv(argv, optionsOf('serve'), { isStoppingAtOperand: false })
  const io = { ...createIo({ env }), nowMs: () => nowMs }
  return readServerOptions(createSettings(parsed, io), io)
}

/** What a worker makes of it on the other side of the channel. */
function send(options: ServerOptions, shared: Partial<SharedParts> = {}): ServerOptions {
  const { root } = options
  const none = { port: 0, root, tls: undefined, directory: undefined, provider: undefined }
  const sent: unknown = deserialize(
    serialize(toWorkerOptions(options, { ...none, ...shared }, 'silent')),
  )
  return toServerOptions(sent as WorkerOptions, own)
}

it('a worker accepts a token of the embedded identity provider for a role', async () => {
  const folder = await makeFolder()
  const file = path.join(folder, 'role.json')
  const issuer = 'https://localhost:9/oauth2/token'
  const conditions = { StringEquals: { sub: 'alice' } }
  const trust = { issuer, audience: 'app', conditions }
  await writeFile(file, JSON.stringify({ name: 'ci', policies: ['readwrite'], trust }))
  const argv = ['--address', '127.0.0.1:0', '--log-level', 'silent', '--role', file]
  const provider = { issuer, jwksUrl: 'https://localhost:9/jwks', jwks: keySet, certificate: '' }
  const server = await createServer(send(readOptions(argv), { directory: folder, provider }))
  onTestFinished(() => server.stop())

  const answer = await fetch(server.url, {
    method: 'POST',
    body: new URLSearchParams({
      Action: 'AssumeRoleWithWebIdentity',
      Version: '2011-06-15',
      RoleArn: 'arn:minio:iam:::role/ci',
      WebIdentityToken: makeToken(signers.RS256, { iss: issuer }),
    }),
  })
  expect(await answer.text()).toContain('<SessionToken>')
})

it('a worker has the options of the primary, from whichever flags and variables they come', async () => {
  const folder = await makeFolder()
  const policy = path.join(folder, 'team.json')
  await writeFile(policy, '{"Version":"2012-10-17","Statement":[]}')
  const ldap = 'MINIO_IDENTITY_LDAP'
  const argv = ['--gateway', 'http://127.0.0.1:1', '--policy', `team=${policy}`, '--rego', folder]
  const options = readOptions([...argv, '--ldap-policy', 'team=cn=ops,dc=example,dc=org'], {
    MINIO_ROOT_USER: 'root',
    MINIO_ROOT_PASSWORD: 'long-enough',
    MINIO_ETCD_ENDPOINTS: 'http://127.0.0.1:2379',
    [`${ldap}_SERVER_ADDR`]: 'ldap.example.org',
    [`${ldap}_LOOKUP_BIND_DN`]: 'cn=sts,dc=example,dc=org',
    [`${ldap}_LOOKUP_BIND_PASSWORD`]: 'secret',
    [`${ldap}_USER_DN_SEARCH_BASE_DN`]: 'dc=example,dc=org',
    [`${ldap}_USER_DN_SEARCH_FILTER`]: '(uid=%s)',
  })
  const { address, ...others } = { ...options, ...own }
  expect(send(options, { port: 9123 })).toEqual({ ...others, address: { ...address, port: 9123 } })
})

it('a worker gets a copy of the environment of the policy engine, which is not a plain object', () => {
  const options = readOptions(['--rego', '.'])
  const policyEngine = { kind: 'rego', rego: '.', query: undefined, env: process.env } as const
  const { policyEngine: sent } = send({ ...options, policyEngine }, { directory: '/data' })
  expect(sent).toEqual({ ...policyEngine, env: { ...process.env } })
})
