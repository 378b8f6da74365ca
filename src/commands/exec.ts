import { StsCliError } from '../base/errors.ts'
import { hasTerminal, type Io } from '../base/io.ts'
import { forwardedSignals, runChild } from '../base/process/run-child.ts'
import type { CachedCredentials } from '../client/credential-cache.ts'
import type { IssuedCredentials } from '../protocol/credentials.ts'
import { describeOrigin, isSameIdentity } from '../client/credential-origin.ts'
import { environmentOf } from '../client/formats/environment.ts'
import type { ServedCredentials } from './exec-server.ts'
import { findOrRenew } from './flow/find-or-renew.ts'
import type { Settings } from './options/settings.ts'

const endsShells: ReadonlySet<NodeJS.Signals> = new Set(['SIGINT', 'SIGTERM', 'SIGHUP'])

/** `exec -- CMD…`: runs CMD as after `eval $(sts-cli env)`. Signals go to it, and its exit code is returned. */
export async function runExec(settings: Settings, io: Io): Promise<number> {
  const argv = [...settings.operands, ...(settings.command ?? [])]
  if (settings.operands.length > 0 || argv.length === 0) {
    throw new StsCliError('command-missing', 'exec takes a command after --', {
      // PowerShell removes a bare -- before npm's script can pass it on.
      hint: `sts-cli exec ${io.platform === 'win32' ? "'--'" : '--'} aws s3 ls`,
    })
  }
  const ownIo = withCachedStdin(io)
  const first = await findOrRenew(settings, ownIo)
  const served = settings.has('server') ? await serve(settings, first, ownIo) : undefined
  try {
    const { exitCode, failure, signal } = await runChild({
      argv,
      env: makeEnvironment(first, { served, settings }, io),
      platform: io.platform,
      isTerminalShared: hasTerminal(io),
      listenForSignals: (listener) => io.listenForSignals(forwardedSignals, listener),
    })
    if (failure !== undefined) io.writeStderr(`error: ${failure}\n`)
    // A shell that waits for sts-cli ends its loop on Ctrl-C only when it sees that the signal ended sts-cli too.
    if (signal !== undefined && endsShells.has(signal)) io.endBySignal(signal)
    return exitCode
  } finally {
    served?.stop()
  }
}

/** Reads stdin once for all renewals: `-csec -` is needed by each. */
function withCachedStdin(io: Io): Io {
  let read: Promise<string> | undefined
  return { ...io, readStdin: (maxBytes) => (read ??= io.readStdin(maxBytes)) }
}

async function serve(
  settings: Settings,
  first: CachedCredentials,
  io: Io,
): Promise<ServedCredentials> {
  const { serveCredentials } = await import('./exec-server.ts')
  // Signals during a renewal go to the command.
  const quietIo: Io = { ...io, listenForSignals: () => () => {} }
  return serveCredentials(
    {
      first,
      renew: async (minTtlSeconds) =>
        checkSame(first, await findOrRenew(settings, quietIo, minTtlSeconds)),
      isQuiet: settings.has('quiet'),
    },
    io,
  )
}

/** Refuses credentials of another login of the same profile: the command began with one identity, and one endpoint in its environment. */
function checkSame(first: CachedCredentials, renewed: CachedCredentials): CachedCredentials {
  if (isSameIdentity(first.origin, renewed.origin)) return renewed
  throw new StsCliError(
    'login-changed',
    `the profile ${first.profile} is now logged in as ${describeOrigin(renewed.origin)}`,
    { hint: 'start the command again' },
  )
}

function makeEnvironment(
  credentials: IssuedCredentials,
  { served, settings }: { served: ServedCredentials | undefined; settings: Settings },
  io: Io,
): Record<string, string | undefined> {
  const { set, unset } = environmentOf(credentials, {
    env: io.env,
    hasEndpoint: !settings.has('no-endpoint'),
    region: settings.get('region'),
  })
  const removed = [...unset, ...(served?.unset ?? [])].map((name) => [name, undefined] as const)
  const remaining =
    served === undefined ? set : set.filter(([name]) => !served.unset.includes(name))
  return { ...io.env, ...Object.fromEntries([...removed, ...remaining, ...(served?.set ?? [])]) }
}
