import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findBlock } from '../support/readme-blocks.ts'
import { binPath, runServeBlock, startStack, type Stack } from './stack.ts'

const clientId = 'PoEgXP6uVO45IsENRngDXj5Au5Ya'
const clientSecret = 'eKsw6z8CtOJVBtrOWvhRWL4TUCga'

let stack: Stack
beforeAll(async () => {
  stack = await startStack(['--client', `${clientId}:${clientSecret}`])
  // The addresses of the guide stay unchanged: curl connects to the current ports.
  const { port } = new URL(stack.idp)
  await writeFile(path.join(stack.home, '.curlrc'), `connect-to = localhost:9443:localhost:${port}`)
  await writeFile(path.join(stack.home, 'client-secret.txt'), clientSecret)
})
afterAll(() => stack.stop())

async function runShell(script: string): Promise<string> {
  const env = { ...stack.env, STS_CLI_CLIENT_ID: clientId }
  const options = { env, extendEnv: false, cwd: stack.home } as const
  return (await execa('bash', ['-c', `set -euo pipefail\n${script}`], options)).stdout
}

interface TokenAnswer {
  readonly access_token: string
  readonly token_type: string
  readonly expires_in: number
}

const readPart = (token: string, index: number): unknown =>
  JSON.parse(Buffer.from(token.split('.')[index] ?? '', 'base64url').toString())

async function askToken(): Promise<TokenAnswer> {
  const line = `curl -k -u ${clientId}:${clientSecret} -d grant_type=client_credentials https://localhost:9443/oauth2/token`
  return JSON.parse(await runShell(`${line} --silent`)) as TokenAnswer
}

describe('commands of the guide of 2018', () => {
  it('the guide’s curl command gets a token like WSO2’s', async () => {
    const answer = await askToken()
    expect(answer).toMatchObject({ token_type: 'Bearer', expires_in: 3600 })
    expect(readPart(answer.access_token, 0)).toMatchObject({ alg: 'RS256' })
    const claims = readPart(answer.access_token, 1) as { exp: number; iat: number }
    expect(claims).toMatchObject({
      aud: clientId,
      azp: clientId,
      iss: `https://localhost:${new URL(stack.idp).port}/oauth2/token`,
      jti: expect.stringMatching(/./) as string,
    })
    expect(claims.exp - claims.iat).toBe(3600)
  })

  it('the key set at /oauth2/jwks has the key that signed the token', async () => {
    const { access_token: token } = await askToken()
    const text = await runShell('curl -k --silent https://localhost:9443/oauth2/jwks')
    const { keys } = JSON.parse(text) as { keys: { kid: string; kty: string; alg: string }[] }
    const { kid } = readPart(token, 0) as { kid: string }
    expect(keys).toContainEqual(expect.objectContaining({ kid, kty: 'RSA', alg: 'RS256' }))
    expect(JSON.stringify(keys)).not.toMatch(/"(d|p|q)"/)
  })

  it('the STS accepts a POST with all parameters in the query, as clients sent it in 2018', async () => {
    const { access_token: token } = await askToken()
    const query = `Action=AssumeRoleWithClientGrants&Token=${token}&DurationSeconds=3600&Version=2011-06-15`
    expect(await runShell(`curl --silent --fail -X POST '${stack.sts}/?${query}'`)).toMatch(
      /<AssumeRoleWithClientGrantsResponse[^]*<AccessKeyId>[A-Z0-9]{20}<[^]*<SessionToken>ey/,
    )
  })

  it('README.md’s first WSO2 block gets a token', async () => {
    const text = await runShell(`${findBlock('WSO2 1').text.trim()} --silent`)
    expect(JSON.parse(text)).toHaveProperty('access_token')
  })

  it('README.md’s second WSO2 block starts a server that knows only the provider’s key set', async () => {
    const { caFile } = stack
    await writeFile(path.join(stack.home, 'wso2.pem'), await readFile(caFile))
    const block = findBlock('WSO2 2').text.replace('https://localhost:9443', stack.idp)
    const server = await runServeBlock(block, stack.home)
    try {
      const flags = ['-cid', clientId, '-idp-ep', `${stack.idp}/oauth2/token`]
      const argv = [binPath, 'login', ...flags, '-sts-ep', server.sts, '--ca-file', caFile]
      const settings = { ...stack.env, STS_CLI_CLIENT_SECRET: clientSecret }
      const { stdout } = await execa(process.execPath, argv, { env: settings, extendEnv: false })
      expect(stdout).toMatch(/^##### Credentials\n/)
    } finally {
      await server.stop()
    }
  })
})
