/** The server as in the recordings of MinIO: Keycloak's keys, an OPA with the rule of the run, root `minio`, the clock of that day. */
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { request as sendRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { silentLog } from '../../src/base/log.ts'
import { createServer } from '../../src/server/create-server.ts'
import { recordedAtMs } from './recording.ts'
import type { Reply, Send } from './replay.ts'

export interface OpaInput {
  readonly action: string
  readonly owner: boolean
}

export interface RecordedStack {
  readonly send: Send
  stop(): Promise<void>
}

/** @param keySet The recorded key set of Keycloak. @param rule The decision of the Rego of the run. */
export async function startRecordedStack(
  keySet: unknown,
  rule: (input: OpaInput) => boolean,
): Promise<RecordedStack> {
  const keycloak = await listenForJson(async () => keySet)
  const opa = await listenForJson(async (body) => {
    const { input } = JSON.parse(body) as { input: OpaInput }
    return { result: { allow: rule(input) } }
  })
  const server = await createServer({
    address: { host: '127.0.0.1', port: 0 },
    tls: undefined,
    region: 'us-east-1',
    root: { accessKeyId: 'minio', secretAccessKey: 'minio123' },
    objects: { kind: 'directory', directory: undefined, buckets: [] },
    domains: [],
    policies: new Map(),
    identityProvider: {
      kind: 'external',
      jwksUrl: keycloak.url,
      configUrl: undefined,
      clientId: 'PoEgXP6uVO45IsENRngDXj5Au5Ya',
      ca: undefined,
    },
    policyClaim: 'policy',
    policyEngine: {
      kind: 'remote',
      form: 'opa',
      url: opa.url,
      authorization: undefined,
      ca: undefined,
    },
    limits: {
      minDurationSeconds: 900,
      maxDurationSeconds: 31_536_000,
      defaultDurationSeconds: 3600,
      isLongerThanTokenAllowed: false,
    },
    log: silentLog,
    isAccessLogged: false,
    nowMs: () => recordedAtMs,
  })
  return {
    send: (request) => sendTo(server.url, request),
    async stop() {
      await server.stop()
      await keycloak.close()
      await opa.close()
    },
  }
}

/** Sends with node:http, because the recorded `Host` must be sent as it was signed. */
function sendTo(url: URL, { method, path, headers, body }: Parameters<Send>[0]): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const target = { host: url.hostname, port: url.port, method, path, headers: { ...headers } }
    const request = sendRequest(target, (response) => {
      text(response).then(
        (answer) => resolve({ status: response.statusCode ?? 0, body: answer }),
        reject,
      )
    })
    request.on('error', reject)
    request.end(body)
  })
}

async function listenForJson(
  answer: (body: string) => Promise<unknown>,
): Promise<{ url: string; close: () => Promise<void> }> {
  const listener: RequestListener = (request, response) => {
    const reply = async (): Promise<void> => {
      const value = await answer(await text(request))
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(value))
    }
    void reply()
  }
  const server = createHttpServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/v1/data/httpapi/authz`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
