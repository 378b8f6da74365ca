/** Our own servers for the conformance table: the store on a temporary directory, and a gateway before another S3. */
import { createServer } from '../../../src/server/create-server.ts'
import type { ServerOptions } from '../../../src/server/options/server-options.ts'
import { silentLog } from '../../../src/base/log.ts'
import type { Endpoint } from './send-step.ts'

const credentials = {
  accessKeyId: 'conformance-root',
  secretAccessKey: 'the-secret-of-the-conformance-root-user',
}
const region = 'us-east-1'

/** Keys that every server of the table takes. */
export function toEndpoint(url: URL): Endpoint {
  return { url, ...credentials, region }
}

export interface Started {
  readonly endpoint: Endpoint
  stop(): Promise<void>
}

/** Starts the server on a temporary directory, which goes with it. */
export function startDirectory(): Promise<Started> {
  return start({ kind: 'directory', directory: undefined, buckets: [] })
}

/** Starts a gateway before an S3 that takes the same keys. */
export function startGateway(url: URL): Promise<Started> {
  return start({ kind: 'gateway', url, region, style: 'path', ca: undefined })
}

async function start(objects: ServerOptions['objects']): Promise<Started> {
  const server = await createServer({
    address: { host: '127.0.0.1', port: 0 },
    tls: undefined,
    region,
    root: credentials,
    objects,
    domains: [],
    policies: new Map(),
    identityProvider: undefined,
    policyClaim: 'policy',
    policyEngine: undefined,
    limits: {
      minDurationSeconds: 900,
      maxDurationSeconds: 604_800,
      defaultDurationSeconds: 3600,
      isLongerThanTokenAllowed: false,
    },
    log: silentLog,
    isAccessLogged: false,
    nowMs: () => Date.now(),
  })
  return { endpoint: toEndpoint(server.url), stop: () => server.stop() }
}
