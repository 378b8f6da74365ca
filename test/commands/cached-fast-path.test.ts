import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { runCachedFastPath } from '../../src/commands/cached-fast-path.ts'
import {
  createIo,
  type IoOptions,
  openStage,
  runLine,
  type Stage,
  startMs,
} from '../support/commands/harness.ts'

let stage: Stage
beforeEach(async () => {
  stage = await openStage()
  await stage.ask(['login', '-q'])
  await stage.ask(['login', '-q', '-p', 'ci'])
})

interface Asked {
  readonly code: number | undefined
  readonly stdout: string
  readonly stderr: string
}

async function askFastPath(
  argv: readonly string[],
  options: IoOptions = {},
  now = startMs,
): Promise<Asked> {
  const io = createIo({ ...options, env: { HOME: stage.home, ...options.env } })
  io.now = now
  const code = await runCachedFastPath(argv, io)
  return { code, stdout: io.out.join(''), stderr: io.err.join('') }
}

const handedOver: Asked = { code: undefined, stdout: '', stderr: '' }

describe('cached fast path', () => {
  const lines: [readonly string[], IoOptions?][] = [
    [['env']],
    [['creds']],
    [['credential-process']],
    [['env', '-p', 'ci']],
    [['env', '-p=ci']],
    [['creds', '--profile', 'ci']],
    [['credential-process', '--profile=ci']],
    [['env', '-p', 'ci', '-p', 'default']],
    [['env', '--shell', 'fish']],
    [['env', '--shell=powershell', '-p', 'ci']],
    [['env', '--shell', 'cmd']],
    [['env'], { env: { STS_CLI_PROFILE: 'ci' } }],
    [['env'], { env: { STS_CLI_PROFILE: '' } }],
    [['env', '-p', 'default'], { env: { STS_CLI_PROFILE: 'ci' } }],
    [['env'], { env: { SHELL: '/usr/bin/fish' } }],
    [['env'], { env: { AWS_REGION: 'eu-west-1', AWS_PROFILE: 'x', AWS_SECURITY_TOKEN: 'y' } }],
    [['env'], { env: { AWS_DEFAULT_REGION: 'eu-west-1' } }],
    [['env'], { env: { AWS_ENDPOINT_URL_STS: 'http://127.0.0.1:1', AWS_ROLE_ARN: 'x' } }],
    [['env'], { platform: 'win32' }],
  ]

  it.each(lines)(
    'the cached fast path answers %j exactly as the full command line does',
    async (argv, options = {}) => {
      const env = { LOCALAPPDATA: path.join(stage.home, '.cache'), ...options.env }
      const fast = await askFastPath(argv, { ...options, env })
      const { code, stdout, stderr } = await runLine(argv, {
        ...options,
        env: { HOME: stage.home, ...env },
      })
      expect(stdout).not.toBe('')
      expect(fast).toEqual(options.platform === 'win32' ? handedOver : { code, stdout, stderr })
    },
  )

  it.each<[readonly string[], IoOptions?]>([
    [[]],
    [['login']],
    [['__proto__']],
    [['env', '--help']],
    [['env', '-p']],
    [['env', '-p', '']],
    [['env', '-p', 'none-such']],
    [['env', '--shell', 'tcsh']],
    [['creds', '--shell', 'sh']],
    [['creds', '-f', 'json']],
    [['env', '--refresh']],
    [['env', '-cid', 'x']],
    [['env', 'operand']],
    [['env', '--']],
    [['creds'], { env: { STS_CLI_FORMAT: 'json' } }],
    [['env'], { env: { STS_CLI_CACHE: 'none' } }],
    [['env'], { env: { STS_CLI_CONFIG: '/none-such' } }],
    [['env'], { env: { HOME: '' } }],
  ])('the cached fast path leaves %j %j to the full command line', async (argv, options) => {
    expect(await askFastPath(argv, options)).toEqual(handedOver)
  })

  it('the cached fast path does not answer with expiring credentials or a configuration file', async () => {
    expect(await askFastPath(['env'], {}, startMs + 3_500_000)).toEqual(handedOver)
    const folder = path.join(stage.home, '.config', 'sts-cli')
    await mkdir(folder, { recursive: true })
    await writeFile(path.join(folder, 'config.toml'), '')
    expect(await askFastPath(['env'])).toEqual(handedOver)
  })

  it('the cached fast path leaves a failed write to the full command line', async () => {
    const io = createIo({ env: { HOME: stage.home } })
    io.now = startMs
    const writeStdout = (): never => {
      throw Object.assign(new Error('no space'), { code: 'ENOSPC' })
    }
    expect(
      await runCachedFastPath(['env'], { ...io, nowMs: () => startMs, writeStdout }),
    ).toBeUndefined()
  })
})
