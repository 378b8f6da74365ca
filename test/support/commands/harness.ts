/** Runs a command line in this process: its own home, a fixed clock, and fake servers for the identity provider and the STS on 127.0.0.1. */
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'
import type { Io } from '../../../src/base/io.ts'
import type { Keyring } from '../../../src/base/keyring.ts'
import { run } from '../../../src/main.ts'
import { encodeStsError, encodeStsSuccess } from '../../../src/protocol/sts-wire.ts'
import { AwsError } from '../../../src/protocol/aws-error.ts'

export const startMs = Date.parse('2026-11-23T16:00:00Z')
export const clientId = 'PoEgXP6uVO45IsENRngDXj5Au5Ya'
export const clientSecret = 'eKsw6z8CtOJVBtrOWvhRWL4TUCga'
export const idpToken = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJl'
export const granted = {
  accessKeyId: 'NUIBORZYTV2HG2BMRSXR',
  secretAccessKey: 'qQlP5O7CFPc5m5IXf1vYhuVTFj7BRVJqh0FqZ86S',
  sessionToken: 'eyJ.session.token',
}
export const expirationText = '2026-11-23T18:00:00+01:00'
export const minioJson = `{
\t"accessKey": "${granted.accessKeyId}",
\t"secretKey": "${granted.secretAccessKey}",
\t"expiration": "${expirationText}",
\t"sessionToken": "${granted.sessionToken}"
}
`

export interface TestIo extends Io {
  readonly env: Record<string, string | undefined>
  readonly out: string[]
  readonly err: string[]
  /** The prompts that the user saw. */
  readonly prompts: string[]
  /** The signals that would have ended a real process. */
  readonly endedBy: string[]
  now: number
}

export interface IoOptions {
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  readonly stdin?: string | undefined
  /** The text typed at a prompt; undefined: no terminal. */
  readonly typed?: string | undefined
  readonly isTty?: boolean | undefined
  readonly platform?: NodeJS.Platform | undefined
  /** Replaces the user’s browser; undefined: no browser can be opened. */
  readonly browser?: ((address: string) => void) | undefined
  /** The system's keyring; undefined: none. */
  readonly keyring?: Keyring | undefined
  /** Called with each piece of stderr as it is written: a person reads while the command still runs. */
  readonly reader?: ((text: string) => void) | undefined
}

/** Creates an `Io` that records its output. */
export function createIo(options: IoOptions = {}): TestIo {
  const { typed, isTty = false } = options
  const prompts: string[] = []
  const endedBy: string[] = []
  const out: string[] = []
  const err: string[] = []
  const askSecret = async (prompt: string): Promise<string> => {
    prompts.push(prompt)
    return typed ?? ''
  }
  return {
    env: { ...options.env },
    out,
    err,
    prompts,
    endedBy,
    now: startMs,
    writeStdout: (chunk) => void out.push(chunk),
    writeStderr(chunk) {
      err.push(chunk)
      options.reader?.(chunk)
    },
    readStdin: async () => options.stdin ?? '',
    isTty: { stdin: isTty, stdout: isTty, stderr: isTty },
    askSecret: typed === undefined ? undefined : askSecret,
    openBrowser: options.browser,
    openKeyring: async () => options.keyring,
    nowMs() {
      return this.now
    },
    platform: options.platform ?? 'linux',
    pid: process.pid,
    catchSignals: () => new AbortController().signal,
    listenForSignals: () => () => {},
    endBySignal: (name) => void endedBy.push(name),
  }
}

/** Creates a folder that is deleted after the test. */
export async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sts-cli-test-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

export interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
  readonly form: URLSearchParams
}

export interface Reply {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
  /** The headers and the body are sent, but the response never ends. */
  readonly isUnfinished?: boolean
}

/** `hang`: no answer; `cut`: the connection is closed. */
export type Answer = Reply | 'hang' | 'cut'

export interface Fake {
  readonly url: string
  readonly seen: readonly Seen[]
  /** The answer to the next requests; a function gets the request and the number of earlier ones. */
  answer: Answer | ((seen: Seen, count: number) => Answer)
}

/** Starts a server on a free port of 127.0.0.1 that records its requests; closed after the test. */
export async function startFake(
  answer: Fake['answer'],
  tls?: { cert: string; key: string },
): Promise<Fake> {
  const seen: Seen[] = []
  const listen = (request: IncomingMessage, response: ServerResponse): void =>
    void serve(request, response)
  const server = tls === undefined ? createServer(listen) : createTlsServer(tls, listen)
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await text(request)
    const asked = {
      method: request.method ?? '',
      url: request.url ?? '',
      headers: request.headers,
      body,
      form: new URLSearchParams(body),
    }
    const reply = typeof fake.answer === 'function' ? fake.answer(asked, seen.length) : fake.answer
    seen.push(asked)
    send(response, reply)
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const fake = { url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`, seen, answer }
  return fake
}

function send(response: ServerResponse, reply: Answer): void {
  if (reply === 'hang') return
  if (reply === 'cut') {
    response.destroy()
    return
  }
  response.writeHead(reply.status ?? 200, reply.headers ?? {})
  if (reply.isUnfinished === true) response.write(reply.body ?? '')
  else response.end(reply.body)
}

/** Returns an identity provider’s answer with the token. */
export function tokenAnswer(extra: object = { expires_in: 3600 }): Reply {
  return json({ access_token: idpToken, token_type: 'Bearer', ...extra })
}

export function json(value: unknown, status = 200): Reply {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) }
}

/** Returns an STS’s answer with the credentials. */
export function stsAnswer(
  action = 'AssumeRoleWithClientGrants',
  over: Partial<typeof granted> & { expirationText?: string } = {},
): Reply {
  const credentials = {
    ...granted,
    expirationText,
    ...over,
    expiration: new Date(over.expirationText ?? expirationText),
  }
  return { body: encodeStsSuccess(action, { credentials }, 'request-1') }
}

export function stsRefusal(code: string, message: string, status: number): Reply {
  return { status, body: encodeStsError(new AwsError(code, message, { status }), 'request-9') }
}

export interface Stage {
  readonly home: string
  readonly idp: Fake
  readonly sts: Fake
  /** The endpoints and the client as flags. */
  readonly flags: readonly string[]
  /** Runs a command line in the stage's home. */
  cli(argv: readonly string[], options?: IoOptions & { now?: number }): Promise<Ran>
  /** Runs a command line with the endpoints and the client. */
  ask(argv: readonly string[], options?: IoOptions & { now?: number }): Promise<Ran>
}

export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  readonly io: TestIo
}

/** Opens an identity provider, an STS and an empty home. */
export async function openStage(): Promise<Stage> {
  const home = await makeFolder()
  const idp = await startFake(tokenAnswer())
  const sts = await startFake((seen) =>
    seen.method === 'PUT' ? {} : stsAnswer(seen.form.get('Action') ?? undefined),
  )
  const flags = ['-idp-ep', `${idp.url}/token`, '-sts-ep', sts.url, '-cid', clientId]
  flags.push('-csec', clientSecret)
  const cli: Stage['cli'] = (argv, { now, ...options } = {}) =>
    runLine(argv, { ...options, env: { HOME: home, ...options.env } }, now)
  return {
    home,
    idp,
    sts,
    flags,
    cli,
    ask: ([command = '', ...rest], options) =>
      cli(
        command.startsWith('-') ? [...flags, command, ...rest] : [command, ...flags, ...rest],
        options,
      ),
  }
}

/** Runs one command line until it ends. */
export async function runLine(
  argv: readonly string[],
  options: IoOptions = {},
  now: number = startMs,
): Promise<Ran> {
  const io = createIo(options)
  io.now = now
  const code = await run(argv, io)
  return { code, stdout: io.out.join(''), stderr: io.err.join(''), io }
}

/** Returns the parsed error of `--json`. */
export function errorOf({ stderr }: Ran): Record<string, unknown> {
  const { error } = JSON.parse(stderr) as { error: Record<string, unknown> }
  return error
}

/** Returns a port on which no program listens. */
export async function findClosedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** The secrets of a stage; tests search the output for them. */
export const secrets = [clientSecret, idpToken, granted.secretAccessKey, granted.sessionToken]
