/** A real `sts-cli serve` for tests that run other programs against it, and a logged-in environment for these. */
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { execa } from 'execa'

export const binPath = path.join(import.meta.dirname, '..', '..', 'bin', 'sts-cli.cjs')

export interface Stack {
  readonly sts: string
  /** The origin and the CA of the embedded provider; empty if the server uses another. */
  readonly idp: string
  readonly caFile: string
  readonly pid: number
  /** The possible values of `--role-arn`. */
  readonly roles: readonly string[]
  /** The variables for AWS's SDKs; empty if the server takes no tokens. */
  readonly aws: Readonly<Record<string, string>>
  readonly home: string
  /** The user's environment: its own HOME and XDG folders, no AWS variables. */
  readonly env: Record<string, string>
  /** Returns the lines of the server's log until now. */
  readLog(): LogLine[]
  stop(): Promise<void>
}

/** The fields of one line of the server's log. */
export type LogLine = Readonly<Record<string, unknown>>

/** Starts `sts-cli serve` on free ports, except with an `--address` flag, and waits for its ready line. @param settings MINIO_* variables. */
export async function startStack(
  flags: string[] = [],
  settings: Readonly<Record<string, string>> = {},
): Promise<Stack> {
  const home = await mkdtemp(path.join(tmpdir(), 'sts-cli-interop-'))
  const env = cleanEnvironment(home)
  const address = flags.includes('--address') ? [] : ['--address', '127.0.0.1:0']
  const addresses = [...address, '--idp-address', '127.0.0.1:0']
  const child = spawn(process.execPath, [binPath, 'serve', '--json', ...addresses, ...flags], {
    env: { ...env, ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exited = new Promise((resolve) => child.once('exit', resolve))
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const line = await new Promise<string>((resolve, reject) => {
    let stdout = ''
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString()
      if (stdout.includes('\n')) resolve(stdout)
    })
    child.once('exit', (code) =>
      reject(new Error(`serve ended with ${code}: ${stderr.slice(-8000)}`)),
    )
  })
  const ready = JSON.parse(line) as Pick<Stack, 'sts' | 'pid'> & Partial<Stack>
  return {
    sts: ready.sts,
    idp: ready.idp === undefined ? '' : new URL(ready.idp).origin,
    caFile: ready.caFile ?? '',
    pid: ready.pid,
    roles: ready.roles ?? [],
    aws: ready.aws ?? {},
    home,
    env,
    readLog: () =>
      stderr
        .slice(0, stderr.lastIndexOf('\n') + 1)
        .split('\n')
        .filter((text) => text.startsWith('{'))
        .map((text) => JSON.parse(text) as LogLine),
    async stop() {
      child.kill('SIGTERM')
      await exited
      await rm(home, { recursive: true, force: true })
    },
  }
}

/** Runs a block of README.md that ends with `sts-cli serve …` on free ports. @param folder The folder of the block's files. */
export async function runServeBlock(block: string, folder: string): Promise<Stack> {
  const settings = [...block.matchAll(/^export (MINIO_\w+)=(\S+)$/gm)].map(
    ([, name = '', value = '']) => [name, value] as const,
  )
  const [, flags] = /^sts-cli serve ?(.*)$/m.exec(block) ?? []
  if (flags === undefined || settings.length === 0) throw new Error(`no serve in ${block}`)
  const argv = flags.split(' ').filter((flag) => flag !== '')
  const inFolder = argv.map((flag) => (flag.endsWith('.pem') ? path.join(folder, flag) : flag))
  return startStack(inFolder, Object.fromEntries(settings))
}

/** Returns a PATH on which `sts-cli` is the built command, `node` is this one, and the installed programs precede the system's. */
export async function installPath(home: string): Promise<string> {
  const bin = path.join(home, 'bin')
  await mkdir(bin)
  const cli = `#!/bin/sh\nexec '${process.execPath}' '${binPath}' "$@"\n`
  await writeFile(path.join(bin, 'sts-cli'), cli, { mode: 0o755 })
  await symlink(process.execPath, path.join(bin, 'node'))
  for (const name of ['aws', 'python3']) await symlink(pythonBin(name), path.join(bin, name))
  return `${bin}:${cachedPath('bin')}:${process.env['PATH'] ?? ''}`
}

/** Returns the environment after `eval $(sts-cli env)`, for a program under test. */
export async function logIn(stack: Stack): Promise<Record<string, string>> {
  await execa(process.execPath, [binPath, 'login', '-q'], { env: stack.env, extendEnv: false })
  const script = `eval "$(${process.execPath} ${binPath} env)"; env -0`
  const { stdout } = await execa('bash', ['-c', script], { env: stack.env, extendEnv: false })
  const pairs = stdout.split('\0').flatMap((line): [string, string][] => {
    const at = line.indexOf('=')
    return at > 0 ? [[line.slice(0, at), line.slice(at + 1)]] : []
  })
  return Object.fromEntries(pairs)
}

function cleanEnvironment(home: string): Record<string, string> {
  const env: Record<string, string> = { HOME: home, PATH: process.env['PATH'] ?? '' }
  env['XDG_CACHE_HOME'] = path.join(home, 'cache')
  env['XDG_STATE_HOME'] = path.join(home, 'state')
  env['XDG_CONFIG_HOME'] = path.join(home, 'config')
  return env
}

/** Returns the path of a program that `test/interop/install` put into its cache. */
export function cachedPath(...parts: string[]): string {
  const cacheHome = process.env['XDG_CACHE_HOME'] ?? path.join(process.env['HOME'] ?? '', '.cache')
  const cache = process.env['STS_CLI_INTEROP_CACHE'] ?? path.join(cacheHome, 'sts-cli-interop')
  return path.join(cache, ...parts)
}

export function pythonBin(name: string): string {
  return cachedPath('python', 'bin', name)
}
