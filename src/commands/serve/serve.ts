import cluster from 'node:cluster'
import type { Io } from '../../base/io.ts'
import { StsCliError } from '../../base/errors.ts'
import { removeQuietly, writeNamedFile } from '../../base/files/private-file.ts'
import { createServer, type RunningServer } from '../../server/create-server.ts'
import { hasLogins } from '../../server/open/has-logins.ts'
import type { ServerOptions } from '../../server/options/server-options.ts'
import type { StartWorkersOptions } from '../../server/workers/start-workers.ts'
import { hasUsers, publishServeState, type ReadyFacts } from './publish-serve-state.ts'
import { hasOwnRoot, readLogLevel, readServerOptions, readWorkerCount } from './server-options.ts'
import { renderLoginSteps, renderSdkSettings } from './sdk-settings.ts'
import type { Settings } from '../options/settings.ts'

/** `serve`: runs the server until a signal, or until the command after `--` ends. */
export async function runServe(settings: Settings, io: Io): Promise<number> {
  if (cluster.isWorker) return (await import('./run-serve-worker.ts')).runServeWorker(io)
  const options = readServerOptions(settings, io)
  if (settings.command !== undefined && options.identityProvider?.kind !== 'embedded')
    throw new StsCliError(
      'identity-provider-external',
      'a command after -- needs the embedded identity provider',
      {
        stage: 'serve',
        hint: 'it is logged in as the demo client; with your own provider, run sts-cli login yourself',
      },
    )
  const count = readWorkerCount(settings)
  const signal = io.catchSignals()
  const server = await startServer(options, { count, logLevel: readLogLevel(settings) })
  try {
    return await serveUntilDone({ server, options, settings, signal }, io)
  } finally {
    await server.stop()
  }
}

async function startServer(
  options: ServerOptions,
  { count, logLevel }: StartWorkersOptions,
): Promise<RunningServer> {
  if (count === 1) return createServer(options)
  const { startWorkers } = await import('../../server/workers/start-workers.ts')
  return startWorkers(options, { count, logLevel })
}

interface ServeContext {
  readonly server: RunningServer
  readonly options: ServerOptions
  readonly settings: Settings
  readonly signal: AbortSignal
}

async function serveUntilDone(context: ServeContext, io: Io): Promise<number> {
  const { settings, options, signal } = context
  const client =
    options.identityProvider?.kind === 'embedded' ? options.identityProvider.clients[0] : undefined
  const { facts, remove } = publishServeState(
    context.server,
    { options, client, isRootMade: !hasOwnRoot(io) },
    io,
  )
  const line = `${JSON.stringify(facts)}\n`
  const readyFile = settings.get('ready-file')
  let isFileOurs = false
  try {
    if (readyFile !== undefined) isFileOurs = writeReadyFile(readyFile, line)
    if (settings.has('json')) io.writeStdout(line)
    else if (!settings.has('quiet') && settings.command === undefined)
      io.writeStderr(renderWelcome(facts, options))
    if (settings.command !== undefined) {
      const { runLoggedIn } = await import('./run-logged-in.ts')
      return await runLoggedIn(
        { argv: settings.command, facts, region: options.region, signal },
        io,
      )
    }
    await new Promise<void>((resolve, reject) => {
      // The provider's library takes as long to load as the rest of the start, so it is loaded after whoever waits for the line has it.
      setImmediate(() => void context.server.issuer?.load().catch(reject))
      if (signal.aborted) resolve()
      signal.addEventListener('abort', () => resolve())
    })
    return 0
  } finally {
    remove()
    if (readyFile !== undefined && isFileOurs) removeQuietly(readyFile)
  }
}

function writeReadyFile(path: string, line: string): boolean {
  try {
    return writeNamedFile(path, line)
  } catch (cause) {
    throw new StsCliError('file-unwritable', `the file ${path} cannot be written`, {
      stage: 'serve',
      cause,
    })
  }
}

function renderWelcome(
  facts: Pick<ReadyFacts, 'sts' | 'idp' | 'roles' | 'aws'>,
  options: ServerOptions,
): string {
  const lines = [
    `STS and S3 at ${facts.sts} (${describeRegion(options)}), ${describeObjects(options)}`,
    ...(facts.idp === undefined ? [] : [`identity provider at ${facts.idp}`]),
    ...(facts.roles ?? []).map((arn) => `role ${arn}`),
    '',
    'in another terminal:',
    '',
    `  sts-cli login${hasUsers(options) ? ' --grant browser' : ''}`,
    '  eval $(sts-cli env)',
    '  aws s3 mb s3://my-bucketname',
    ...(hasLogins(options) ? renderLoginSteps() : []),
    ...(facts.aws === undefined ? [] : renderSdkSettings(facts.aws)),
  ]
  return `${lines.join('\n')}\n`
}

function describeRegion({ region }: ServerOptions): string {
  return region === '' ? 'any region' : `region ${region}`
}

function describeObjects({ objects }: ServerOptions): string {
  if (objects.kind === 'gateway') return `a gateway to ${objects.url.origin}`
  return `objects in ${objects.directory ?? 'a temporary directory, removed at exit'}`
}
