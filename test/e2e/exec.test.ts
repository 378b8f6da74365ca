import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, it, onTestFinished } from 'vitest'
import { binPath, type Home, openHome } from '../support/e2e/harness.ts'

const sdk = import.meta.resolve('@aws-sdk/client-s3')

/** AWS’s SDK with its defaults runs until it has seen four pairs of keys, then prints the variables that it read. */
const worker = `
import { ListBucketsCommand, S3Client } from '${sdk}'
const s3 = new S3Client({ forcePathStyle: true, maxAttempts: 1 })
const keys = new Set()
while (keys.size < 4) {
  const { accessKeyId, expiration } = await s3.config.credentials()
  if (expiration <= new Date()) throw new Error('these are over')
  await s3.send(new ListBucketsCommand({}))
  keys.add(accessKeyId)
}
console.log(Object.keys(process.env).filter((name) => /^AWS_(ACC|SEC|SES|CON|PROF)/.test(name)).sort().join(' '))
`

/** Opens a home with a running server and a cached login. */
async function openLoggedIn(): Promise<Home> {
  const home = await openHome()
  await home.serve(['--min-duration', '1'])
  await home.cli(['login', '-q'])
  return home
}

interface Started {
  readonly child: ChildProcess
  readonly ended: Promise<{ code: number | null; signal: string | null; stdout: string }>
  /** Resolves when the command has printed the text. */
  printed(text: string): Promise<void>
}

function start(home: Home, argv: readonly string[]): Started {
  const child = spawn(process.execPath, [binPath, ...argv], {
    env: home.env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const stdout = text(child.stdout)
  const ended = once(child, 'exit').then(async ([code, signal]) => ({
    code: code as number | null,
    signal: signal as string | null,
    stdout: await stdout,
  }))
  let seen = ''
  return {
    child,
    ended,
    printed: (wanted) =>
      new Promise((resolve) => {
        child.stdout.on('data', (chunk: Buffer) => {
          seen += chunk.toString()
          if (seen.includes(wanted)) resolve()
        })
      }),
  }
}

describe('exec --server', () => {
  it('exec --server renews the credentials of AWS’s SDK through three lifetimes', async () => {
    const home = await openLoggedIn()
    const program = path.join(home.folder, 'worker.mjs')
    await writeFile(program, worker)
    const file = path.join(home.folder, '.aws', 'credentials')
    await mkdir(path.dirname(file))
    await writeFile(file, '[default]\naws_access_key_id = other\naws_secret_access_key = other\n')
    const env = {
      AWS_PROFILE: 'none-of-this-name',
      AWS_ACCESS_KEY_ID: 'stale',
      AWS_SECRET_ACCESS_KEY: 'stale',
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    }
    const argv = ['exec', '--server', '--duration', '4', '--', process.execPath, program]
    const { code, stdout, stderr } = await home.cli(argv, { env })
    const note = `note: [default] in ${file} has credentials, so --server hides that file\n`
    expect({ code, stderr }).toEqual({ code: 0, stderr: note })
    expect(stdout).toBe('AWS_CONTAINER_AUTHORIZATION_TOKEN AWS_CONTAINER_CREDENTIALS_FULL_URI\n')
  }, 60_000)
})

describe('exec', () => {
  it('exec ends with the exit code or the signal of its command', async () => {
    const home = await openLoggedIn()
    const ends = ['exit 7', 'kill -TERM $$', 'kill -INT $$', 'kill -KILL $$'].map(
      (script) => start(home, ['exec', '--', 'sh', '-c', script]).ended,
    )
    expect(await Promise.all(ends)).toEqual([
      { code: 7, signal: null, stdout: '' },
      { code: null, signal: 'SIGTERM', stdout: '' },
      { code: null, signal: 'SIGINT', stdout: '' },
      { code: 137, signal: null, stdout: '' },
    ])
  })

  it('exec forwards every signal and ends when its command ends', async () => {
    const home = await openLoggedIn()
    const script = `
      let count = 0
      for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'])
        process.on(name, () => {
          console.log(name)
          if ((count += 1) === 4) process.exit(5)
        })
      console.log('ready')
      setInterval(() => {}, 1000)`
    const { child, ended, printed } = start(home, ['exec', '--', process.execPath, '-e', script])
    await printed('ready')
    child.kill('SIGINT')
    await printed('SIGINT')
    child.kill('SIGINT')
    await printed('SIGINT')
    child.kill('SIGTERM')
    await printed('SIGTERM')
    child.kill('SIGHUP')
    expect(await ended).toEqual({
      code: 5,
      signal: null,
      stdout: 'ready\nSIGINT\nSIGINT\nSIGTERM\nSIGHUP\n',
    })
  })

  it('exec stops and continues together with its command as one job', async () => {
    const home = await openLoggedIn()
    const script = `
      process.on('SIGCONT', () => process.exit(6))
      console.log('ready')
      setInterval(() => {}, 1000)`
    const job = spawn(process.execPath, [binPath, 'exec', '--', process.execPath, '-e', script], {
      env: home.env,
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    })
    const { pid = 0 } = job
    await once(job.stdout, 'data')
    process.kill(-pid, 'SIGSTOP')
    process.kill(-pid, 'SIGCONT')
    expect(await once(job, 'exit')).toEqual([6, null])
  })
})
