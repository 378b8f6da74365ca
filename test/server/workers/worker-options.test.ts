/** With `--workers 2`, a role that trusted the embedded provider was open to nobody: a worker asked for its keys by https, and did not trust it. */
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { optionsOf } from '../../../src/commands/options/option-table.ts'
import { parseArgv } from '../../../src/commands/options/parse-argv.ts'
import { readServerOptions } from '../../../src/commands/serve/server-options.ts'
import { createSettings } from '../../../src/commands/options/settings.ts'
import { createServer } from '../../../src/server/create-server.ts'
import { toWorkerOptions } from '../../../src/server/workers/start-workers.ts'
import { createIo, makeFolder } from '../../support/commands/harness.ts'
import { keySet, makeToken, nowMs, signers } from '../../support/tokens.ts'

it('a worker lets a token of the embedded provider assume a role', async () => {
  const folder = await makeFolder()
  const file = path.join(folder, 'role.json')
  const issuer = 'https://localhost:9/oauth2/token'
  const conditions = { StringEquals: { sub: 'alice' } }
  const trust = { issuer, audience: 'app', conditions }
  await writeFile(file, JSON.stringify({ name: 'ci', policies: ['readwrite'], trust }))
  const argv = ['--address', '127.0.0.1:0', '--log-level', 'silent', '--role', file]
  const parsed = parseArgv(argv, optionsOf('serve'), { isStoppingAtOperand: false })
  const io = { ...createIo({}), nowMs: () => nowMs }
  const options = readServerOptions(createSettings(parsed, io), io)
  const provider = { issuer, jwksUrl: 'https://localhost:9/jwks', jwks: keySet }
  const shared = { port: 0, root: options.root, tls: undefined, directory: folder, provider }
  const server = await createServer(toWorkerOptions(options, shared))
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
