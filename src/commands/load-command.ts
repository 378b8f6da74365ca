/** The function of each command. It is loaded when the command runs, except for those that shells and SDKs call all the time. */
import type { Io } from '../base/io.ts'
import type { CommandSpec } from './options/command-table.ts'
import { runCredentialProcess } from './credential-process.ts'
import { runCreds } from './creds.ts'
import { failEvaluation, runEnv } from './env.ts'
import type { Settings } from './options/settings.ts'

/** Runs one command. @returns Its exit code. */
export type RunCommand = (settings: Settings, io: Io) => Promise<number>

/** Loads the function of each command. */
export const loadCommand: Readonly<Record<CommandSpec['name'], () => Promise<RunCommand>>> = {
  login: async () => (await import('./login.ts')).runLogin,
  token: async () => (await import('./token.ts')).runToken,
  exchange: async () => (await import('./exchange.ts')).runExchange,
  creds: async () => runCreds,
  env: async () => runEnv,
  exec: async () => (await import('./exec.ts')).runExec,
  'credential-process': async () => runCredentialProcess,
  write: async () => (await import('./write.ts')).runWrite,
  status: async () => (await import('./status.ts')).runStatus,
  inspect: async () => (await import('./inspect.ts')).runInspect,
  logout: async () => (await import('./logout.ts')).runLogout,
  doctor: async () => (await import('./doctor.ts')).runDoctor,
  config: async () => (await import('./config.ts')).runConfig,
  completion: async () => (await import('./help/completion.ts')).runCompletion,
  serve: async () => (await import('./serve/serve.ts')).runServe,
}

/** Loads what prints more than the error when a command fails, even when its flags are wrong. */
export const loadOnFailure: Readonly<
  Partial<Record<CommandSpec['name'], () => Promise<(argv: readonly string[], io: Io) => void>>>
> = {
  env: async () => failEvaluation,
}
