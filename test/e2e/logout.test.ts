import { expect, it } from 'vitest'
import { emptySha256 } from '../../src/protocol/sigv4/canonical-request.ts'
import { signRequest } from '../../src/protocol/sigv4/sign.ts'
import { openHome } from '../support/e2e/harness.ts'

interface ProcessCredentials {
  readonly AccessKeyId: string
  readonly SecretAccessKey: string
  readonly SessionToken: string
}

async function list(endpoint: string, credentials: ProcessCredentials): Promise<number> {
  const url = new URL(endpoint)
  const { AccessKeyId, SecretAccessKey, SessionToken } = credentials
  const { host: _, ...headers } = signRequest(
    { method: 'GET', url, headers: {}, payloadHash: emptySha256 },
    { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken },
    { region: 'us-east-1', service: 's3', nowMs: Date.now() },
  )
  return (await fetch(url, { headers })).status
}

it('logout revokes its session at the server, and no other session of the same user', async () => {
  const home = await openHome()
  const { ready } = await home.serve()
  const logIn = async (profile: string): Promise<ProcessCredentials> => {
    await home.cli(['login', '-q', '-p', profile])
    const { stdout } = await home.cli(['creds', '-f', 'process', '-p', profile])
    return JSON.parse(stdout) as ProcessCredentials
  }
  const [gone, kept] = [await logIn('gone'), await logIn('kept')]
  expect([await list(ready.sts, gone), await list(ready.sts, kept)]).toEqual([200, 200])
  const ran = await home.cli(['logout', '-p', 'gone'])
  expect(ran).toMatchObject({ code: 0, stdout: '', stderr: '' })
  expect([await list(ready.sts, gone), await list(ready.sts, kept)]).toEqual([403, 200])
})
