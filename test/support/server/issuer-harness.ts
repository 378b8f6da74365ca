/** The embedded identity provider on a free port, called by HTTPS. The clock stands still, and delays are recorded instead of waited for. */
import { request } from 'node:https'
import { onTestFinished } from 'vitest'
import {
  startIssuer,
  type RunningIssuer,
  type StartIssuerOptions,
} from '../../../src/server/issuer/start-issuer.ts'

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

export interface Asked {
  readonly method?: string
  readonly path: string
  /** Sent as a form. */
  readonly form?: Readonly<Record<string, string>>
  /** `id:secret` */
  readonly auth?: string
  readonly headers?: Readonly<Record<string, string>>
  /** The local address from which to connect. */
  readonly from?: string
}

export interface TestIssuer extends RunningIssuer {
  readonly waited: number[]
  ask(asked: Asked): Promise<Answer>
}

const app = { id: 'app', secret: 'app-secret', policy: 'readwrite' }
const ann = { name: 'ann', password: 'right', policy: 'readonly' }

/** Starts the identity provider with a client `app`, a user `ann`, and the public client of the CLI. */
export async function openIssuer(options: Partial<StartIssuerOptions> = {}): Promise<TestIssuer> {
  const waited: number[] = []
  const startedAtMs = Date.now()
  const issuer = await startIssuer({
    address: { host: '127.0.0.1', port: 0 },
    clients: [app],
    users: [ann],
    nowMs: () => startedAtMs,
    wait: async (delayMs) => void waited.push(delayMs),
    ...options,
  })
  onTestFinished(() => issuer.stop())
  const ask = (asked: Asked): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const { path, form, auth, headers, from, method = form ? 'POST' : 'GET' } = asked
      const call = request(new URL(path, issuer.tokenEndpoint), {
        method,
        ca: issuer.certificate,
        agent: false,
        ...(auth === undefined ? {} : { auth }),
        ...(from === undefined
          ? {}
          : { localAddress: from, host: '127.0.0.1', servername: 'localhost' }),
        headers: {
          ...headers,
          ...(form ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
        },
      })
      call.on('error', reject)
      call.on('response', (response) => {
        let body = ''
        response.setEncoding('utf8').on('data', (text: string) => (body += text))
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
        )
      })
      call.end(form && new URLSearchParams(form).toString())
    })
  return { ...issuer, waited, ask }
}
