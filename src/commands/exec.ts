import { StsCliError } from '../base/errors.ts'
import { hasTerminal, type Io } from '../base/io.ts'
import { forwardedSignals, runChild } from '../base/process/run-child.ts'
import type { CachedCredentials } from '../client/credential-cache.ts'
import { describeOrigin, isSameIdentity } from '../client/credential-origin.ts'
import { environmentOf } from '../client/formats/environment.ts'
import type { ServedCredentials } from './exec-server.ts'
import type { ParsedArgv } from './options/parse-argv.ts'
import { findOrRenew } from './flow/find-or-renew.ts'
import { createSettings, type Settings } from './options/settings.ts'

const endsShells: ReadonlySet<NodeJS.Signals> = new Set(['SIGINT', 'SIGTERM', 'SIGHUP'])

/** `exec -- CMD…`: runs CMD as if `eval $(sts-cli env)` had come before; its exit code and signals are ours. */
export async function runExec(parsed: ParsedArgv, io: Io): Promise<number> {
  const argv = [...parsed.operands, ...(parsed.command ?? [])]
  if (parsed.operands.length > 0 || argv.length === 0) {
    throw new StsCliError('ERR_USAGE', 'exec takes a command after --', {
      // PowerShell takes a bare -- for itself before npm's script can hand it on.
      hint: `sts-cli exec ${io.platform === 'win32' ? "'--'" : '--'} aws s3 ls`,
    })
  }
  const settings = createSettings(parsed, io)
  const asking = rememberStdin(io)
  const first = await findOrRenew(parsed, asking)
  const served = settings.has('server') ? await serve(parsed, first, asking) : undefined
  try {
    const { exitCode, failure, signal } = await runChild({
      argv,
      env: makeEnvironment(first, { served, settings }, io),
      platform: io.platform,
      isTerminalShared: hasTerminal(io),
      listenForSignals: (listener) => io.listenForSignals(forwardedSignals, listener),
    })
    if (failure !== undefined) io.writeStderr(`error: ${failure}\n`)
    // A shell that waits for us ends its loop on Ctrl-C only where it sees that the signal ended us too.
    if (signal !== undefined && endsShells.has(signal)) io.endBySignal(signal)
    return exitCode
  } finally {
    served?.stop()
  }
}

/** `-csec -` is read once, however often it is used. */
function rememberStdin(io: Io): Io {
  let read: Promise<string> | undefined
  return { ...io, readStdin: (maxBytes) => (read ??= io.readStdin(maxBytes)) }
}

async function serve(
  parsed: ParsedArgv,
  first: CachedCredentials,
  io: Io,
): Promise<ServedCredentials> {
  const { serveCredentials } = await import('./exec-server.ts')
  // The signals that come while a renewal runs are the command's.
  const own: Io = { ...io, listenForSignals: () => () => {} }
  return serveCredentials(
    {
      first,
      renew: async (minTtlSeconds) =>
        checkSame(first, await findOrRenew(parsed, own, minTtlSeconds)),
      isQuiet: parsed.flags.get('quiet') === true,
    },
    io,
  )
}

/** The command began as somebody, at an endpoint that stands in its environment: another login of the same profile must not change that. */
function checkSame(first: CachedCredentials, renewed: CachedCredentials): CachedCredentials {
  if (isSameIdentity(first.origin, renewed.origin)) return renewed
  throw new StsCliError(
    'ERR_REFUSED',
    `the profile ${first.profile} is now logged in as ${describeOrigin(renewed.origin)}`,
    { hint: 'start the command again' },
  )
}

function makeEnvironment(
  credentials: CachedCredentials,
  { served, settings }: { served: ServedCredentials | undefined; settings: Settings },
  io: Io,
): Record<string, string | undefined> {
  const { set, unset } = environmentOf(credentials, {
    env: io.env,
    hasEndpoint: !settings.has('no-endpoint'),
    region: settings.get('region'),
  })
  const removed = [...unset, ...(served?.unset ?? [])].map((name) => [name, undefined] as const)
  const kept = served === undefined ? set : set.filter(([name]) => !served.unset.includes(name))
  return { ...io.env, ...Object.fromEntries([...removed, ...kept, ...(served?.set ?? [])]) }
}
