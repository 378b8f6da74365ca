/** `serve -- COMMAND`: the command runs as after a login and `eval $(sts-cli env)`. */
import { runChild } from '../../base/process/run-child.ts'
import { hasTerminal, type Io } from '../../base/io.ts'
import { environmentOf } from '../../client/formats/environment.ts'
import { obtainCredentials } from '../../client/flow/obtain-credentials.ts'
import type { ReadyFacts } from './publish-serve-state.ts'

export interface LoggedInOptions {
  readonly argv: readonly string[]
  readonly facts: ReadyFacts
  /** The server's region; empty if it takes any. */
  readonly region: string
  readonly signal: AbortSignal
}

/**
 * Logs the first client in and runs the command.
 *
 * @returns The command's exit code.
 * @throws {StsCliError} Why the client could not log in.
 */
export async function runLoggedIn(
  { argv, facts, region: pinned, signal }: LoggedInOptions,
  io: Io,
): Promise<number> {
  const { clientId = '', clientSecret = '', idp = '', caFile } = facts
  const region = pinned === '' ? undefined : pinned
  const credentials = await obtainCredentials(
    {
      source: {
        grant: 'client-credentials',
        tokenEndpoint: idp,
        clientId,
        clientSecret,
        authMethod: 'client_secret_basic',
      },
      exchange: { stsEndpoint: facts.sts, action: 'client-grants', region: pinned },
      net: { timeoutMs: 30_000, retries: 0, caFile, env: {} },
      cache: { directory: undefined, profile: 'serve', isRefresh: true, minTtlSeconds: undefined },
    },
    io,
  )
  const { set, unset } = environmentOf(credentials, { env: io.env, hasEndpoint: true, region })
  const env = {
    ...io.env,
    ...Object.fromEntries(unset.map((name) => [name, undefined])),
    ...Object.fromEntries(set),
    // With these, sts-cli itself and programs that log in find this server and no other.
    STS_CLI_CLIENT_ID: clientId,
    STS_CLI_CLIENT_SECRET: clientSecret,
    STS_CLI_IDP_ENDPOINT: idp,
    STS_CLI_STS_ENDPOINT: facts.sts,
    STS_CLI_CA_FILE: caFile,
  }
  const { exitCode, failure } = await runChild({
    argv,
    env,
    platform: io.platform,
    isTerminalShared: hasTerminal(io),
    listenForSignals: (listener) => listenForAbort(signal, listener),
  })
  if (failure !== undefined) io.writeStderr(`error: serve: ${failure}\n`)
  return exitCode
}

/** Listens for the first signal only: a second ends the server, whatever the command does. */
function listenForAbort(signal: AbortSignal, listener: (name: NodeJS.Signals) => void): () => void {
  const forward = (): void => listener(signal.reason as NodeJS.Signals)
  if (signal.aborted) forward()
  signal.addEventListener('abort', forward)
  return () => signal.removeEventListener('abort', forward)
}
