/** Signed requests, whole or broken off on purpose. What an SDK would retry or hide is seen here. */
import { createHash } from 'node:crypto'
import { Agent, request as openRequest } from 'node:http'
import { request as openTlsRequest } from 'node:https'
import { readFileSync } from 'node:fs'
import { encodeRfc3986 } from '../../dist/lib/protocol/sigv4/canonical-request.js'
import { presignUrl, signRequest } from '../../dist/lib/protocol/sigv4/sign.js'

const region = 'us-east-1'
/** No answer for this long is an error. */
const hedgeDelayMs = 30_000

export function createClient(server) {
  const agent = new Agent({ keepAlive: true, maxSockets: 32 })
  const host = () => new URL(server.ready.sts).host
  const sign = (
    { method = 'GET', path = '/', query = '', headers = {}, body },
    credentials,
    service,
  ) => {
    const payloadHash = createHash('sha256')
      .update(body ?? '')
      .digest('hex')
    const url = { host: host(), pathname: path, search: query === '' ? '' : `?${query}` }
    const options = { region, service, nowMs: Date.now() }
    return signRequest({ method, url, headers, payloadHash }, credentials, options)
  }
  const send = (ask, credentials, { service = 's3', ...rest } = {}) => {
    const headers = credentials === undefined ? ask.headers : sign(ask, credentials, service)
    return exchange({ agent, host: host(), ...ask, headers, ...rest })
  }
  return {
    send,
    /** The same by a URL that bears its signature; `ageSeconds` dates it back. */
    sendPresigned(ask, credentials, { expiresSeconds = 60, ageSeconds = 0 } = {}) {
      const { method = 'GET', path } = ask
      const options = {
        region,
        service: 's3',
        nowMs: Date.now() - ageSeconds * 1000,
        expiresSeconds,
      }
      const url = presignUrl({ method, url: new URL(path, server.ready.sts) }, credentials, options)
      return exchange({
        agent,
        host: host(),
        ...ask,
        path: url.pathname,
        query: url.search.slice(1),
      })
    },
    /** An access token of a client of the embedded identity provider. */
    async fetchToken({ id, secret }) {
      const { hostname, port, pathname } = new URL(server.ready.idp)
      const answer = await exchange({
        open: openTlsRequest,
        agent: false,
        ca: readFileSync(server.ready.caFile),
        host: `${hostname}:${port}`,
        path: pathname,
        method: 'POST',
        headers: {
          authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
          'content-type': 'application/x-www-form-urlencoded',
        },
        body: Buffer.from('grant_type=client_credentials'),
      })
      return answer
    },
    close: () => agent.destroy(),
  }
}

/** `/bucket/key`, encoded as signatures want it. */
export function toPath({ bucket, key }) {
  return `/${bucket}/${key.split('/').map(encodeRfc3986).join('/')}`
}

/**
 * One request and its whole answer: `{ status, headers, body, code }`. With `stopSendingAt` the client goes away after so many bytes of its
 * body, with `stopReadingAt` after so many of the answer's; then `isAborted` is true.
 */
function exchange(ask) {
  const {
    open = openRequest,
    agent,
    ca,
    host,
    path,
    query = '',
    body,
    stopSendingAt,
    stopReadingAt,
  } = ask
  const [hostname, port] = host.split(':')
  const length = body === undefined ? {} : { 'content-length': String(body.length) }
  return new Promise((resolve, reject) => {
    const outgoing = open({
      agent,
      ca,
      host: hostname,
      port,
      method: ask.method ?? 'GET',
      path: query === '' ? path : `${path}?${query}`,
      headers: { ...ask.headers, ...length },
    })
    const late = setTimeout(() => outgoing.destroy(new Error('no answer in 30 s')), hedgeDelayMs)
    const finish = (settle, value) => {
      clearTimeout(late)
      settle(value)
    }
    const abort = () => {
      finish(resolve, { isAborted: true })
      outgoing.destroy()
    }
    outgoing.on('error', (error) => finish(reject, error))
    outgoing.on('response', (incoming) => {
      const chunks = []
      let received = 0
      incoming.on('data', (chunk) => {
        chunks.push(chunk)
        received += chunk.length
        if (stopReadingAt !== undefined && received >= stopReadingAt) abort()
      })
      incoming.on('error', (error) => finish(reject, error))
      incoming.on('end', () => {
        const whole = Buffer.concat(chunks)
        const code = /<Code>([^<]*)<\/Code>/.exec(whole.subarray(0, 2000).toString('latin1'))?.[1]
        const { statusCode: status, headers } = incoming
        finish(resolve, { status, headers, body: whole, code })
      })
    })
    if (stopSendingAt === undefined) outgoing.end(body)
    else outgoing.write(body.subarray(0, stopSendingAt), abort)
  })
}
