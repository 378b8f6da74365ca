/** The endpoint that AWS's SDKs ask in a container: on 127.0.0.1 only, behind a token that only the command knows. */
import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { isSameSecret } from '../base/constant-time.ts'
import type { IssuedCredentials } from '../protocol/credentials.ts'
import { utcOf } from './formats/environment.ts'

export interface CredentialServer {
  /** For `AWS_CONTAINER_CREDENTIALS_FULL_URI`. */
  readonly url: string
  /** For `AWS_CONTAINER_AUTHORIZATION_TOKEN`; new for each server. */
  readonly token: string
  close(): void
}

/**
 * Starts the endpoint, which answers requests that have the token with what `provide` returns.
 *
 * @see https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
 * @throws Node's own error when no port is free.
 */
export async function startCredentialServer(
  provide: () => Promise<IssuedCredentials>,
): Promise<CredentialServer> {
  const token = randomBytes(32).toString('base64url')
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 5000 })
  server.maxConnections = 100
  const port = await listen(server)
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`]
  server.on('request', (request, response) => {
    const refusal = toRefusal(request, { hosts, token })
    if (refusal === undefined) void answer(response, provide)
    else send(response, refusal.status, describeError(refusal.message))
  })
  return {
    url: `http://127.0.0.1:${port}${path}`,
    token,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

const path = '/credentials'

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : 0)
    })
  })
}

interface Refusal {
  readonly status: number
  readonly message: string
}

/** Checks the host first: a page in a browser can reach this port under a name of its own, and must not learn more than that. */
function toRefusal(
  { method, url, headers }: IncomingMessage,
  { hosts, token }: { hosts: readonly string[]; token: string },
): Refusal | undefined {
  if (!hosts.includes(headers.host ?? '')) return { status: 403, message: 'not asked by this name' }
  if (!isSameSecret(headers.authorization ?? '', token))
    return { status: 401, message: 'the authorization token is missing or wrong' }
  if (url !== path) return { status: 404, message: 'there is nothing here' }
  if (method !== 'GET') return { status: 405, message: 'GET alone is answered' }
  return undefined
}

async function answer(
  response: ServerResponse,
  provide: () => Promise<IssuedCredentials>,
): Promise<void> {
  try {
    const credentials = await provide()
    send(response, 200, {
      AccessKeyId: credentials.accessKeyId,
      SecretAccessKey: credentials.secretAccessKey,
      Token: credentials.sessionToken,
      Expiration: utcOf(credentials),
    })
  } catch (error) {
    send(response, 503, describeError(error instanceof Error ? error.message : 'no credentials'))
  }
}

/** Some SDKs read the lower-case names, some the capitalised ones. */
function describeError(message: string): Readonly<Record<string, string>> {
  const code = 'CredentialsUnavailable'
  return { code, message, Code: code, Message: message }
}

function send(response: ServerResponse, status: number, value: object): void {
  const body = JSON.stringify(value)
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    connection: 'close',
    ...(status === 405 ? { allow: 'GET' } : {}),
  })
  response.end(body)
}
