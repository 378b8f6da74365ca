/** Several processes at one address: STS and S3 in each worker; the embedded provider, and what is generated at start, in the primary. */
import { createServer as createSocket, type AddressInfo } from 'node:net'
import type { LogLevel } from '../../base/log.ts'
import { graceMs, openTls, openIssuer, openWhole, type RunningServer } from '../create-server.ts'
import type { Closers } from '../open/closers.ts'
import { lockObjectsDirectory } from '../open/lock-objects-directory.ts'
import { makeTemporaryDirectory } from '../open/make-temporary-directory.ts'
import { openS3Backend } from '../open/open-s3-backend.ts'
import { listRoleArns } from '../open/role-arns.ts'
import type { ServerOptions } from '../options/server-options.ts'
import { type SharedParts, toWorkerOptions } from './worker-options.ts'
import { createWorkerPool } from './worker-pool.ts'

export interface StartWorkersOptions {
  /** At least 1. */
  readonly count: number
  readonly logLevel: LogLevel
}

/** A worker closes its listener within `graceMs`; closing its stores takes a little longer. */
const workerGraceMs = graceMs + 2000

/**
 * Starts workers and waits until all of them listen.
 *
 * @throws {StsCliError} As `createServer`; nothing is left running.
 */
export function startWorkers(
  options: ServerOptions,
  { count, logLevel }: StartWorkersOptions,
): Promise<RunningServer> {
  const { root, log, nowMs } = options
  return openWhole(async (closers) => {
    await lockObjectsDirectory(options, closers)
    const issuer = await openIssuer(options, closers)
    const { tls, authority: certificate } = await openTls(options)
    const directory = await prepareDirectory(options, closers)
    const port = await choosePort(options.address)
    const shared: SharedParts = { port, root, tls, directory, provider: await toShared(issuer) }
    const pool = createWorkerPool({
      options: toWorkerOptions(options, shared, logLevel),
      log,
      nowMs,
    })
    closers.push(() => pool.stop(workerGraceMs))
    const url = new URL(await pool.start(count))
    return { url, issuer, roleArns: listRoleArns(options), certificate }
  })
}

/** Makes the directory of all workers, with the buckets of the options; undefined for a gateway. */
async function prepareDirectory(
  options: ServerOptions,
  closers: Closers,
): Promise<string | undefined> {
  const { objects } = options
  if (objects.kind !== 'directory') return undefined
  const directory = objects.directory ?? (await makeTemporaryDirectory(closers))
  await openS3Backend({ ...options, objects: { ...objects, directory } }, closers)
  return directory
}

async function toShared(running: RunningServer['issuer']): Promise<SharedParts['provider']> {
  if (running === undefined) return undefined
  const { issuer, jwksUrl, certificate } = running
  return { issuer, jwksUrl: jwksUrl.href, jwks: await running.readKeys(), certificate }
}

/** Chooses a free port once, so that a worker that starts later listens at the same one. */
function choosePort({ host, port }: ServerOptions['address']): Promise<number> {
  if (port !== 0) return Promise.resolve(port)
  return new Promise((resolve, reject) => {
    const socket = createSocket()
    socket.once('error', reject)
    socket.listen(0, host, () => {
      const chosen = (socket.address() as AddressInfo).port
      socket.close(() => resolve(chosen))
    })
  })
}
