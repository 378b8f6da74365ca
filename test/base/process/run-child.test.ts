import { describe, expect, it } from 'vitest'
import { readSecretCommand } from '../../../src/base/process/start-program.ts'
import {
  type ChildEnd,
  runChild,
  type RunChildOptions,
} from '../../../src/base/process/run-child.ts'
import { makeFolder } from '../../support/commands/harness.ts'

const plain: RunChildOptions = {
  argv: [],
  env: { PATH: process.env['PATH'] },
  platform: 'linux',
  listenForSignals: () => () => {},
  isTerminalShared: false,
}

/** Runs a child that waits for signals and reports the signal by its exit code; `send` is called when it is ready. */
async function signalChild(
  send: (listener: (name: NodeJS.Signals) => void) => void,
  options: Partial<RunChildOptions> = {},
): Promise<ChildEnd> {
  const folder = await makeFolder()
  const script = `
    for (const [name, code] of [['SIGINT', 11], ['SIGTERM', 12], ['SIGHUP', 13], ['SIGUSR2', 14], ['SIGQUIT', 15]])
      process.on(name, () => process.exit(code))
    require('node:fs').writeFileSync('ready', '')
    setInterval(() => {}, 1000)`
  let listener: (name: NodeJS.Signals) => void = () => {}
  const { watch, existsSync } = await import('node:fs')
  const watcher = watch(folder, () => {
    if (existsSync(`${folder}/ready`)) send(listener)
  })
  try {
    return await runChild({
      ...plain,
      argv: [process.execPath, '-e', `process.chdir(${JSON.stringify(folder)});${script}`],
      listenForSignals: (given) => {
        listener = given
        return () => {}
      },
      ...options,
    })
  } finally {
    watcher.close()
  }
}

describe.each(['linux', 'win32'] as const)(
  'a child process that runChild() starts as on %s',
  (platform) => {
    const run = (argv: string[], env = plain.env): Promise<ChildEnd> =>
      runChild({ ...plain, argv, env, platform })

    it.each([
      ['its own exit code', 'exit 0', { exitCode: 0 }],
      ['its own exit code', 'exit 42', { exitCode: 42 }],
      ['its own exit code', 'exit 255', { exitCode: 255 }],
      ['128 and the signal’s number', 'kill -TERM $$', { exitCode: 143, signal: 'SIGTERM' }],
      ['128 and the signal’s number', 'kill -KILL $$', { exitCode: 137, signal: 'SIGKILL' }],
    ])('runChild() returns %s: %s', async (_what, script, end) => {
      expect(await run(['sh', '-c', script])).toEqual(end)
    })

    it('runChild() returns 127 for a missing program and 126 for one that cannot be run', async () => {
      expect(await run(['/nowhere/no-such-program'])).toEqual({
        exitCode: 127,
        failure: 'there is no program /nowhere/no-such-program',
      })
      const folder = await makeFolder()
      expect(await run([folder])).toEqual({
        exitCode: 126,
        failure: `${folder} cannot be run (EACCES)`,
      })
    })

    it('runChild() passes only the given environment to the child', async () => {
      const script = 'test "$GIVEN" = "a b" && test -z "$HOME$VITEST$GONE"'
      const env = { GIVEN: 'a b', GONE: undefined }
      expect(await run(['/bin/sh', '-c', script], env)).toEqual({ exitCode: 0 })
    })
  },
)

describe('child process', () => {
  it('runChild() treats an empty program name as missing, as a shell does', async () => {
    expect(await runChild({ ...plain, argv: [''] })).toEqual({
      exitCode: 127,
      failure: 'there is no program ""',
    })
  })

  it('runChild() reports arguments that are too long for the system', async () => {
    const argv = ['true', ...Array.from({ length: 40 }, () => 'x'.repeat(120_000))]
    expect(await runChild({ ...plain, argv })).toEqual({
      exitCode: 126,
      failure: 'true cannot be run (E2BIG)',
    })
  })

  it.each<[NodeJS.Signals, number]>([
    ['SIGINT', 11],
    ['SIGTERM', 12],
    ['SIGHUP', 13],
    ['SIGUSR2', 14],
    ['SIGQUIT', 15],
  ])('runChild() forwards %s to the child', async (name, exitCode) => {
    expect(await signalChild((tell) => tell(name))).toEqual({ exitCode })
  })

  it('runChild() does not forward a signal that the terminal already sent to the child', async () => {
    const end = await signalChild(
      (tell) => {
        tell('SIGINT')
        tell('SIGQUIT')
        tell('SIGHUP')
      },
      { isTerminalShared: true },
    )
    expect(end).toEqual({ exitCode: 13 })
  })

  it('runChild() goes on after a signal that the child ignores', async () => {
    const argv = ['sh', '-c', `trap '' TERM; kill -TERM $$; exit 3`]
    let isListening = false
    const listenForSignals: RunChildOptions['listenForSignals'] = (listener) => {
      isListening = true
      listener('SIGCONT')
      return () => {
        isListening = false
      }
    }
    expect(await runChild({ ...plain, argv, listenForSignals })).toEqual({ exitCode: 3 })
    expect(isListening).toBe(false)
  })
})

describe('secret command', () => {
  const secret = { what: 'token', option: 'token-command' }

  it('readSecretCommand() returns the trimmed output', async () => {
    expect(await readSecretCommand(`printf ' s3cret \\n\\n'`, secret)).toBe('s3cret')
  })

  it.each([
    ['exit 3', 'exit code 3'],
    ['kill -TERM $$', 'SIGTERM'],
    ['no-such-program-at-all 2>&-', 'exit code 127'],
  ])('the error of a failed secret command has no output: %s', async (script, how) => {
    await expect(readSecretCommand(`echo hunter2; ${script}`, secret)).rejects.toMatchObject({
      code: 'ERR_INPUT',
      reason: 'secret-command-failed',
      details: { option: 'token-command' },
      message: `the token command failed (${how})`,
    })
  })
})
