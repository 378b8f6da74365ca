/** Signs one request of the conformance table with our own signer, and sends its bytes unchanged by node:http. */
import { createHash } from 'node:crypto'
import { Agent, request } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { encodeForm, formType, signForm } from './make-form.ts'
import { presignUrl, signRequest } from '../../../src/protocol/sigv4/sign.ts'

/** An S3 to examine. */
export interface Endpoint {
  readonly url: URL
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly region: string
}

export interface Sent {
  readonly method: string
  /** Path and query, percent-encoded. */
  readonly target: string
  readonly headers: readonly (readonly [string, string])[]
  readonly body: string
  /** The fields of an upload form; none for another request. A form is signed in its fields. */
  readonly fields: readonly (readonly [string, string])[]
  /**
   * `anonymous`; `presigned` or `presigned SECONDS`; `wrong-secret`; `unknown-key`; `region NAME`; `clock OFFSET_SECONDS`;
   * `payload HASH` instead of the body's own hash; `then NAME: VALUE` replaces a header after it was signed, `then NAME` removes it, and
   * `then ?QUERY` is added to the query.
   */
  readonly signing: readonly string[]
}

export interface Answer {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

const agent = new Agent({ keepAlive: true, maxSockets: 16 })

/** Sends a request and returns its answer. Texts are UTF-8. */
export async function send(endpoint: Endpoint, asked: Sent): Promise<Answer> {
  const sent = asked.fields.length === 0 ? asked : toFormRequest(endpoint, asked)
  const { target, headers } = sign(endpoint, sent)
  const outgoing = request({
    host: endpoint.url.hostname,
    port: endpoint.url.port,
    agent,
    method: sent.method,
    path: target,
    headers,
  })
  outgoing.end(sent.body)
  const incoming = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve)
    outgoing.once('error', reject)
  })
  const names = Object.entries(incoming.headers)
  return {
    status: incoming.statusCode ?? 0,
    headers: new Map(names.map(([name, value]) => [name, String(value)])),
    body: (await buffer(incoming)).toString(),
  }
}

/** Returns the request of a form; `as anonymous` leaves its fields as they are, and `as wrong-secret` and `as unknown-key` are its signer's. */
function toFormRequest(endpoint: Endpoint, sent: Sent): Sent {
  const signer = { ...findCredentials(endpoint, sent), region: endpoint.region, nowMs: Date.now() }
  const isAnonymous = sent.signing.includes('anonymous')
  const fields = isAnonymous ? sent.fields : signForm(sent.fields, signer)
  return {
    ...sent,
    body: encodeForm(fields),
    headers: [...sent.headers, ['content-type', formType]],
    signing: ['anonymous'],
  }
}

function findCredentials(
  { accessKeyId, secretAccessKey }: Endpoint,
  { signing }: Sent,
): Pick<Endpoint, 'accessKeyId' | 'secretAccessKey'> {
  return {
    accessKeyId: signing.includes('unknown-key') ? 'AKIAUNKNOWNUNKNOWN00' : accessKeyId,
    secretAccessKey: signing.includes('wrong-secret')
      ? 'not-the-secret-of-this-key-000000000000'
      : secretAccessKey,
  }
}

interface Signed {
  readonly target: string
  readonly headers: Record<string, string>
}

function sign(endpoint: Endpoint, asked: Sent): Signed {
  const { method, target, headers, body, signing } = asked

  const find = (word: string): string | undefined =>
    signing.find((way) => way === word || way.startsWith(`${word} `))?.slice(word.length + 1)
  const given = Object.fromEntries(headers.map(([name, value]) => [name, toLatin1(value)]))
  const sent: Record<string, string> = { host: endpoint.url.host, ...given }
  const hasBody = body !== '' || method === 'PUT' || method === 'POST'
  if (hasBody && sent['transfer-encoding'] === undefined)
    sent['content-length'] ??= String(Buffer.byteLength(body))
  const credentials = findCredentials(endpoint, asked)
  const options = {
    region: find('region') ?? endpoint.region,
    service: 's3' as const,
    nowMs: Date.now() + Number(find('clock') ?? 0) * 1000,
  }
  const [path = '', search = ''] = splitTarget(target)
  const expires = find('presigned')
  const isAnonymous = find('anonymous') !== undefined
  let signed: Signed = { target, headers: sent }
  if (expires !== undefined) {
    const url = new URL(target, endpoint.url)
    const expiresSeconds = Number(expires === '' ? 900 : expires)
    const presigned = presignUrl({ method, url, headers: withoutLength(sent) }, credentials, {
      ...options,
      expiresSeconds,
    })
    signed = { target: `${presigned.pathname}${presigned.search}`, headers: sent }
  } else if (!isAnonymous) {
    const payloadHash = find('payload') ?? createHash('sha256').update(body).digest('hex')
    const url = { host: endpoint.url.host, pathname: path, search }
    signed = {
      target,
      headers: signRequest({ method, url, headers: sent, payloadHash }, credentials, options),
    }
  }
  return tamper(signed, signing)
}

function tamper(signed: Signed, signing: readonly string[]): Signed {
  const headers = { ...signed.headers }
  let { target } = signed
  for (const change of signing
    .filter((way) => way.startsWith('then '))
    .map((way) => way.slice(5))) {
    if (change.startsWith('?')) {
      target += `${target.includes('?') ? '&' : '?'}${change.slice(1)}`
      continue
    }
    const [, name = '', value] = /^([\w-]+)(?:: (.*))?$/.exec(change) ?? []
    if (value === undefined) delete headers[name]
    else headers[name] = value
  }
  return { target, headers }
}

/** A presigned URL signs its headers, and this one depends on the client. */
function withoutLength(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'content-length'))
}

function splitTarget(target: string): string[] {
  const at = target.indexOf('?')
  return at === -1 ? [target, ''] : [target.slice(0, at), target.slice(at)]
}

/** Node sends each character of a header as one byte. */
function toLatin1(text: string): string {
  return Buffer.from(text).toString('latin1')
}
