/** The whole server in this process, with one object, and functions that sign requests to it. */
import { createHash } from 'node:crypto'
import { expect, onTestFinished } from 'vitest'
import type { Credentials } from '../../src/protocol/credentials.ts'
import { parseXml } from '../../src/protocol/xml.ts'
import { signRequest } from '../../src/protocol/sigv4/sign.ts'
import { startServer, type StartedServer } from '../../src/server/start-server.ts'
import { sendMessage, type Message, type WireAnswer } from './wire.ts'

export const region = 'us-east-1'
export const content = 'The object that must stay as it is.'

export interface Stack {
  readonly server: StartedServer
  readonly port: number
  readonly host: string
  readonly root: Credentials
  readonly session: Credentials
  sign(ask: Partial<Message>, credentials?: Credentials, service?: 's3' | 'sts'): Message
  send(message: Message): Promise<WireAnswer>
  /** Expects that the server works: its readiness, and a signed read of the object. */
  expectAlive(): Promise<void>
}

export async function openStack(): Promise<Stack> {
  const server = await startServer({ buckets: ['bucket'] })
  onTestFinished(() => server.stop())
  const { host, port } = new URL(server.url)
  const root = {
    accessKeyId: server.rootAccessKeyId,
    secretAccessKey: server.rootSecretAccessKey,
    sessionToken: undefined,
  }
  const sign: Stack['sign'] = (ask, credentials = root, service = 's3') => {
    const { method = 'GET', path = '/', query = '', headers = [], body = '' } = ask
    const url = { host, pathname: path, search: query === '' ? '' : `?${query}` }
    const payloadHash = createHash('sha256').update(body, 'latin1').digest('hex')
    const unsigned = { method, url, headers: Object.fromEntries(headers), payloadHash }
    const signed = signRequest(unsigned, credentials, { region, service, nowMs: Date.now() })
    return { method, path, query, headers: Object.entries(signed), body }
  }
  const send = (message: Message): Promise<WireAnswer> => sendMessage(Number(port), message)
  const put = await send(sign({ method: 'PUT', path: '/bucket/key', body: content }))
  expect(put.status).toBe(200)
  return {
    server,
    port: Number(port),
    host,
    root,
    session: await openSession(server, host, send),
    sign,
    send,
    async expectAlive() {
      const health = { method: 'GET', path: '/minio/health/ready', query: '', body: '' }
      expect((await send({ ...health, headers: [['host', host]] })).status).toBe(200)
      const read = await send(sign({ path: '/bucket/key' }))
      expect(`${read.status} ${read.body}`).toBe(`200 ${content}`)
    },
  }
}

/** Returns a token that allows everything with objects. */
export function issueToken(server: StartedServer): Promise<string> {
  return server.issueToken({
    sub: 'fuzz',
    aud: server.clientId,
    azp: server.clientId,
    policy: 'readwrite',
  })
}

async function openSession(
  server: StartedServer,
  host: string,
  send: Stack['send'],
): Promise<Credentials> {
  const form = {
    Action: 'AssumeRoleWithClientGrants',
    Version: '2011-06-15',
    Token: await issueToken(server),
  }
  const headers = [
    ['host', host],
    ['content-type', 'application/x-www-form-urlencoded'],
  ] as const
  const body = new URLSearchParams(form).toString()
  const answer = await send({ method: 'POST', path: '/', query: '', headers, body })
  const text = (name: string): string => new RegExp(`<${name}>([^<]+)`).exec(answer.body)?.[1] ?? ''
  expect(text('AccessKeyId')).not.toBe('')
  return {
    accessKeyId: text('AccessKeyId'),
    secretAccessKey: text('SecretAccessKey'),
    sessionToken: text('SessionToken'),
  }
}

/** Expects an answer that is not an internal error, and whose XML, if any, can be parsed. */
export function expectSound(answer: WireAnswer, sent: string): void {
  expect([0, 500], `${sent}\nwas answered ${answer.status} ${answer.body}`).not.toContain(
    answer.status,
  )
  expect(answer.body).not.toContain('InternalError')
  if (answer.body.trimStart().startsWith('<'))
    expect(
      () => parseXml(answer.body, { maxBytes: 10 ** 7, maxDepth: 20 }),
      `${sent}`,
    ).not.toThrow()
}
