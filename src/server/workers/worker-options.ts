/** The options of a worker, as the primary sends them: finished, so that a worker reads no flags, variables or files. */
import type { LogLevel } from '../../base/log.ts'
import type { Credentials } from '../../protocol/credentials.ts'
import type {
  DirectoryObjects,
  EmbeddedProvider,
  ServerOptions,
  SharedProvider,
} from '../options/server-options.ts'
import type { GatewayObjects } from '../s3/gateway/gateway-objects.ts'

/** What is one for all workers, because the primary made or chose it at start. */
export interface SharedParts {
  readonly port: number
  readonly root: Credentials
  readonly tls: { readonly cert: string; readonly key: string } | undefined
  /** Undefined for a gateway. */
  readonly directory: string | undefined
  /** The embedded provider's public keys; the provider itself runs in the primary. */
  readonly provider: Omit<SharedProvider, 'kind' | 'users' | 'clients'> | undefined
}

/** Functions and handles, which each process makes itself: they cannot be sent. */
type OwnParts = Pick<ServerOptions, 'log' | 'nowMs' | 'peers'>

/** `ServerOptions` in a form that the structured clone algorithm takes: no functions, and no `URL`. */
export interface WorkerOptions extends Omit<ServerOptions, keyof OwnParts | 'objects'> {
  readonly objects: DirectoryObjects | (Omit<GatewayObjects, 'url'> & { readonly url: string })
  /** The worker opens a log of its own. */
  readonly logLevel: LogLevel
}

/** Returns what is sent to a worker: the options of the server, with what is one for all workers. */
export function toWorkerOptions(
  options: ServerOptions,
  shared: SharedParts,
  logLevel: LogLevel,
): WorkerOptions {
  const { log: _log, nowMs: _nowMs, peers: _peers, objects, ...others } = options
  const { port, root, tls, directory, provider } = shared
  return {
    ...others,
    logLevel,
    address: { ...options.address, port },
    root,
    tls,
    objects: toSentObjects(objects, directory),
    identityProvider:
      options.identityProvider?.kind === 'embedded' && provider !== undefined
        ? { kind: 'shared', ...provider, ...toSentAccounts(options.identityProvider) }
        : options.identityProvider,
    policyEngine: toSentEngine(options.policyEngine),
  }
}

function toSentObjects(
  objects: ServerOptions['objects'],
  directory: string | undefined,
): WorkerOptions['objects'] {
  if (objects.kind === 'gateway') return { ...objects, url: objects.url.href }
  // The primary made the buckets.
  return directory === undefined ? objects : { kind: 'directory', directory, buckets: [] }
}

/** A worker asks whether there are users, and has no use for their passwords. */
function toSentAccounts({
  users = [],
  clients,
}: EmbeddedProvider): Pick<SharedProvider, 'users' | 'clients'> {
  return { clients, users: users.map((user) => ({ ...user, password: '' })) }
}

/** `process.env` is no plain object: a copy of it is. */
function toSentEngine(engine: ServerOptions['policyEngine']): ServerOptions['policyEngine'] {
  return engine?.kind === 'rego' ? { ...engine, env: { ...engine.env } } : engine
}

/** Returns the options with which a worker starts its server. */
export function toServerOptions(
  { logLevel: _level, objects, ...others }: WorkerOptions,
  own: OwnParts,
): ServerOptions {
  return {
    ...others,
    ...own,
    objects: objects.kind === 'gateway' ? { ...objects, url: new URL(objects.url) } : objects,
  }
}
