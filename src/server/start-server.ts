/** `startServer()` of the library: the whole server inside a test process. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { StsCliError } from '../base/errors.ts'
import { silentLog } from '../base/log.ts'
import { createServer, type RunningServer } from './create-server.ts'
import { generateDemoClient, generateRoot } from './demo-credentials.ts'
import type { RunningIssuer } from './issuer/start-issuer.ts'

export interface StartServerOptions {
  /** Port of STS and S3 on 127.0.0.1; a free one if left out. */
  readonly port?: number
  /** Directory of the objects; if left out, a temporary one that is removed when the server stops. */
  readonly directory?: string
  /** Created at start. */
  readonly buckets?: readonly string[]
  /** Clients of the embedded identity provider; if left out, one with the policy `readwrite`. */
  readonly clients?: readonly { id: string; secret: string; policy: string }[]
  /** Users who may log in at the embedded identity provider with a browser, a device or a password; none if left out. */
  readonly users?: readonly { name: string; password: string; policy: string }[]
  /** Name → IAM policy document, besides the canned ones. */
  readonly policies?: Readonly<Record<string, object>>
  /** The name of a policy that decides nothing, and of which the record says what it would have denied. */
  readonly observedPolicy?: string
  /** Minimum lifetime of credentials; tests of renewal may set it to 1. */
  readonly minDurationSeconds?: number
}

export interface StartedServer extends AsyncDisposable {
  /** STS and S3. */
  readonly url: string
  readonly tokenEndpoint: string
  readonly clientId: string
  readonly clientSecret: string
  /** PEM file to trust for `tokenEndpoint`. */
  readonly caFile: string
  /** Root credentials, with which tests can prepare buckets and objects. */
  readonly rootAccessKeyId: string
  readonly rootSecretAccessKey: string
  /** Signs a token of the embedded provider with any claims; `iss`, `iat`, `exp` and `jti` are added if left out. */
  issueToken(claims: Readonly<Record<string, unknown>>): Promise<string>
  /** Waits for running requests and removes temporary files. */
  stop(): Promise<void>
}

/**
 * Starts identity provider, STS, policies and S3 on free ports of 127.0.0.1.
 *
 * @throws {StsCliError} when an option is not valid or the server cannot start, such as `port-in-use`; nothing is left running.
 */
export async function startServer(options: StartServerOptions = {}): Promise<StartedServer> {
  checkPort(options.port)
  const [client = generateDemoClient(), ...clients] = options.clients ?? []
  const root = generateRoot()
  const minDurationSeconds = options.minDurationSeconds ?? 900
  const policies = Object.entries(options.policies ?? {})
  const server = await createServer({
    address: { host: '127.0.0.1', port: options.port ?? 0 },
    tls: undefined,
    region: '',
    root,
    objects: {
      kind: 'directory',
      directory: options.directory,
      buckets: options.buckets ?? [],
    },
    domains: [],
    policies: new Map(policies.map(([name, document]) => [name, JSON.stringify(document)])),
    identityProvider: {
      kind: 'embedded',
      address: { host: '127.0.0.1', port: 0 },
      clients: [client, ...clients],
      users: options.users ?? [],
    },
    policyClaim: 'policy',
    policyEngine: undefined,
    limits: {
      minDurationSeconds,
      maxDurationSeconds: 31_536_000,
      defaultDurationSeconds: 3600,
      isLongerThanTokenAllowed: false,
    },
    observedPolicy: options.observedPolicy,
    log: silentLog,
    isAccessLogged: false,
    nowMs: () => Date.now(),
  })
  const issuer = await loadIssuer(server)
  const folder = await mkdtemp(path.join(tmpdir(), 'sts-cli-'))
  const caFile = path.join(folder, 'ca.pem')
  await writeFile(caFile, issuer.certificate, { mode: 0o600 })
  const stop = async (): Promise<void> => {
    await rm(folder, { recursive: true, force: true })
    await server.stop()
  }
  return {
    url: server.url.origin,
    tokenEndpoint: issuer.tokenEndpoint.href,
    clientId: client.id,
    clientSecret: client.secret,
    caFile,
    rootAccessKeyId: root.accessKeyId,
    rootSecretAccessKey: root.secretAccessKey,
    issueToken: issuer.issueToken,
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

/** Loads the provider completely, so that nothing is left to do between the first requests of a test. */
async function loadIssuer({ issuer, stop }: RunningServer): Promise<RunningIssuer> {
  if (issuer === undefined) throw new Error('the embedded provider did not start')
  await issuer.load().catch(async (error: unknown) => {
    await stop()
    throw error
  })
  return issuer
}

function checkPort(port: number | undefined): void {
  if (port === undefined || (Number.isInteger(port) && port >= 0 && port <= 65_535)) return
  throw new StsCliError('port-invalid', `port ${JSON.stringify(port)} is no port`, {
    stage: 'serve',
    hint: 'a whole number up to 65535; 0, or nothing, takes a free one',
  })
}
