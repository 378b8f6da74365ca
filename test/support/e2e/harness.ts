/** Runs the built command as a user does: in its own process, with a home that is deleted after the test. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'

export const binPath = path.join(import.meta.dirname, '..', '..', '..', 'bin', 'sts-cli.cjs')
export const freePorts = ['--address', '127.0.0.1:0', '--idp-address', '127.0.0.1:0']

export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Home {
  readonly folder: string
  readonly env: Record<string, string>
  /** Runs the command until it ends. */
  cli(argv: readonly string[], options?: RunOptions): Promise<Ran>
  /** Runs a shell script in which `sts-cli` is the built command. */
  shell(shell: string, script: string): Promise<Ran>
  /** Starts `serve` on free ports and waits until it is ready. */
  serve(flags?: readonly string[], env?: Readonly<Record<string, string>>): Promise<Serving>
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string
}

export interface ReadyFacts {
  readonly event: string
  readonly sts: string
  readonly idp: string
  readonly jwks: string
  readonly caFile: string
  readonly clientId: string
  readonly clientSecret: string
  readonly accessKey: string
  readonly secretKey: string
  readonly pid: number
}

export interface Serving {
  readonly ready: ReadyFacts
  readonly child: ChildProcess
  /** Everything printed on stdout so far, including the ready line. */
  stdout(): string
  stderr(): string
  /** Sends SIGTERM and returns the exit code. */
  stop(): Promise<number | null>
}

/** Opens an empty home with no settings of this machine except PATH. */
export async function openHome(): Promise<Home> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sts-cli-e2e-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const env = { HOME: folder, PATH: process.env['PATH'] ?? '', TMPDIR: folder }
  return {
    folder,
    env,
    cli: (argv, options) => run(process.execPath, [binPath, ...argv], env, options),
    async shell(shell, script) {
      const bin = path.join(folder, 'bin')
      await mkdir(bin, { recursive: true })
      const wrapper = `#!/bin/sh\nexec '${process.execPath}' '${binPath}' "$@"\n`
      await writeFile(path.join(bin, 'sts-cli'), wrapper, { mode: 0o755 })
      return run(shell, ['-c', script], { ...env, PATH: `${bin}:${env.PATH}` })
    },
    serve: (flags = [], more = {}) => startServe(flags, { ...env, ...more }),
  }
}

async function run(
  file: string,
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
  options: RunOptions = {},
): Promise<Ran> {
  const child = spawn(file, argv, { env: { ...env, ...options.env } })
  child.stdin.end(options.input ?? '')
  const output = Promise.all([text(child.stdout), text(child.stderr)])
  const [code] = (await once(child, 'exit')) as [number | null]
  const [stdout, stderr] = await output
  return { code, stdout, stderr }
}

async function startServe(
  flags: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Serving> {
  const argv = [binPath, 'serve', '--json', ...freePorts, ...flags]
  const child = spawn(process.execPath, argv, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const exited = once(child, 'exit') as Promise<[number | null]>
  const printed = { stdout: '', stderr: '' }
  child.stderr.on('data', (chunk: Buffer) => (printed.stderr += chunk.toString()))
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      printed.stdout += chunk.toString()
      if (printed.stdout.includes('\n')) resolve(printed.stdout)
    })
    void exited.then(([code]) => reject(new Error(`serve ended with ${code}: ${printed.stderr}`)))
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  return {
    ready: JSON.parse(line) as ReadyFacts,
    child,
    stdout: () => printed.stdout,
    stderr: () => printed.stderr,
    async stop() {
      child.kill('SIGTERM')
      const [code] = await exited
      return code
    },
  }
}
