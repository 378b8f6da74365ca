/**
 * The steps of `aws login` and `aws sso login`, which no registry has in version 2 of the AWS CLI: the request of the browser, the code, and the
 * files in `~/.aws`; and the programs that use them.
 */
import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { execa } from 'execa'
import { expect } from 'vitest'
import { decodeJwt } from '../../src/protocol/jwt/decode-jwt.ts'
import { makeProof, makeProofKey } from '../support/server/dpop.ts'
import type { Chromium, Page } from './chromium.ts'
import { binPath, cachedPath, type Stack } from './stack.ts'

/** The lifetime of credentials. */
export const lifetimeSeconds = 4
/** More than two lifetimes. */
const runSeconds = 10

export type Texts = Readonly<Record<string, string>>

export interface Place {
  readonly stack: Stack
  readonly chromium: Chromium
  /** Fills in the provider's page. */
  readonly signInAt: (page: Page) => Promise<void>
}

interface Code {
  readonly code: string
  readonly codeVerifier: string
  readonly redirectUri: string
}

/** Signs a person in with the browser, as `aws login` and `aws sso login` do. */
export async function signIn(
  { stack, chromium, signInAt }: Place,
  pathname: string,
  query: Texts,
): Promise<Code> {
  let resolve: (url: URL) => void = () => {}
  const promise = new Promise<URL>((tell) => (resolve = tell))
  const listener = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://127.0.0.1')
    if (url.pathname === '/oauth/callback') resolve(url)
    response.end('You may close this window')
  })
  await new Promise<void>((done) => listener.listen(0, '127.0.0.1', done))
  try {
    const redirectUri = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/oauth/callback`
    const codeVerifier = randomUUID() + randomUUID()
    const state = randomUUID()
    const url = new URL(pathname, stack.sts)
    url.search = new URLSearchParams({
      response_type: 'code',
      ...query,
      state,
      redirect_uri: redirectUri,
      code_challenge: createHash('sha256').update(codeVerifier).digest('base64url'),
    }).toString()
    const page = await chromium.openPage()
    await page.goto(url.href)
    await signInAt(page)
    const back = await promise
    expect(back.searchParams.get('state')).toBe(state)
    return { code: back.searchParams.get('code') ?? '', codeVerifier, redirectUri }
  } finally {
    listener.close()
    listener.closeAllConnections()
  }
}

/** Posts JSON as the CLI does. @throws {Error} With the answer, if it is a refusal. */
export async function post(
  stack: Stack,
  pathname: string,
  { json, headers = {} }: { readonly json: object; readonly headers?: Texts },
): Promise<Record<string, unknown>> {
  const response = await fetch(new URL(pathname, stack.sts), {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(json),
  })
  const answer = (await response.json()) as Record<string, unknown>
  if (!response.ok) throw new Error(JSON.stringify(answer))
  return answer
}

/** Returns a time as the CLI writes it. */
export function inSeconds(seconds: unknown): string {
  return new Date(Date.now() + Number(seconds) * 1000).toISOString().replace(/\.\d+Z/, 'Z')
}

/** Writes a file of AWS's cache. */
export async function keep(
  { home }: Stack,
  { folder, name }: { readonly folder: string; readonly name: string },
  value: object,
): Promise<void> {
  const directory = path.join(home, '.aws', folder)
  await mkdir(directory, { recursive: true })
  await writeFile(path.join(directory, `${name}.json`), JSON.stringify(value), { mode: 0o600 })
}

/** Writes the profile `minio`, by `sts-cli write`. */
export async function writeProfile({ home, env, sts }: Stack, flag: string): Promise<void> {
  const folder = path.join(home, '.aws')
  await mkdir(folder, { recursive: true })
  await writeFile(path.join(folder, 'config'), '')
  await execa(process.execPath, [binPath, 'write', flag, 'minio', '-sts-ep', sts], {
    env,
    extendEnv: false,
  })
}

/** Does what `aws login --profile minio` does. */
export async function doAwsLogin(place: Place): Promise<void> {
  const { stack } = place
  await writeProfile(stack, '--login-profile')
  const clientId = 'arn:aws:signin:::devtools/same-device'
  const challenge = { client_id: clientId, code_challenge_method: 'SHA-256', scope: 'openid' }
  const code = await signIn(place, '/v1/authorize', challenge)
  const key = makeProofKey()
  const url = new URL('/v1/token', stack.sts).href
  const dpop = makeProof(key, { url, nowMs: Date.now() })
  const json = { clientId, grantType: 'authorization_code', ...code }
  const answer = await post(stack, '/v1/token', { json, headers: { dpop } })
  const session = String(decodeJwt(String(answer['idToken'])).claims['sub'])
  const name = createHash('sha256').update(session).digest('hex')
  await keep(
    stack,
    { folder: 'login/cache', name },
    {
      ...answer,
      clientId,
      accessToken: {
        ...(answer['accessToken'] as object),
        accountId: session.split(':')[4],
        expiresAt: inSeconds(answer['expiresIn']),
      },
      dpopKey: key.privateKey.export({ type: 'sec1', format: 'pem' }),
    },
  )
  const config = path.join(stack.home, '.aws', 'config')
  const text = await readFile(config, 'utf8')
  const header = '[profile minio]\n'
  await writeFile(config, text.replace(header, `${header}login_session = ${session}\n`))
}

async function run(
  stack: Stack,
  program: string,
  argv: readonly string[],
): Promise<Record<string, unknown>> {
  const env = { ...stack.env, AWS_PROFILE: 'minio', AWS_EC2_METADATA_DISABLED: 'true' }
  const options = { env, extendEnv: false }
  const { stdout } = await execa(program, [...argv, 'hers', String(runSeconds)], options)
  return JSON.parse(stdout) as Record<string, unknown>
}

/** Uses the profile with boto3 past two lifetimes. */
export function runBoto3(stack: Stack): Promise<Record<string, unknown>> {
  const script = path.join(import.meta.dirname, 'login.py')
  return run(stack, cachedPath('login-clients', 'bin', 'python3'), [script])
}

/** Uses the profile with the SDK for JavaScript past two lifetimes. */
export function runJavaScript(stack: Stack): Promise<Record<string, unknown>> {
  const script = path.join(import.meta.dirname, 'login.mjs')
  return run(stack, process.execPath, ['--no-warnings', script])
}
