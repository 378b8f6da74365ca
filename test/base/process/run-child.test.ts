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

/** A child that waits for signals and says which came by its exit code; `send` is called when it is ready. */
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
  'a command of the user’s, started as on %s',
  (platform) => {
    const run = (argv: string[], env = plain.env): Promise<ChildEnd> =>
      runChild({ ...plain, argv, env, platform })

    it.each([
      ['its own exit code', 'exit 0', { exitCode: 0 }],
      ['its own exit code', 'exit 42', { exitCode: 42 }],
      ['its own exit code', 'exit 255', { exitCode: 255 }],
      ['128 and the signal’s number', 'kill -TERM $$', { exitCode: 143, signal: 'SIGTERM' }],
      ['128 and the signal’s number', 'kill -KILL $$', { exitCode: 137, signal: 'SIGKILL' }],
    ])('ends with %s: %s', async (_what, script, end) => {
      expect(await run(['sh', '-c', script])).toEqual(end)
    })

    it('ends with 127 when there is none, and with 126 when it cannot be run', async () => {
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

    it('has the environment that it is given and nothing besides', async () => {
      const script = 'test "$GIVEN" = "a b" && test -z "$HOME$VITEST$GONE"'
      const env = { GIVEN: 'a b', GONE: undefined }
      expect(await run(['/bin/sh', '-c', script], env)).toEqual({ exitCode: 0 })
    })
  },
)

describe('a command of the user’s', () => {
  it('with an empty name is not there, as in a shell', async () => {
    expect(await runChild({ ...plain, argv: [''] })).toEqual({
      exitCode: 127,
      failure: 'there is no program ""',
    })
  })

  it('with more words than the system takes cannot be run', async () => {
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
  ])('is told of the %s that we got', async (name, exitCode) => {
    expect(await signalChild((tell) => tell(name))).toEqual({ exitCode })
  })

  it('is not told a second time of what the terminal told it', async () => {
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

  it('outlives a signal that it ignores, and so do we', async () => {
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

describe('a command that prints a secret', () => {
  it('gives what it prints, trimmed', async () => {
    expect(await readSecretCommand(`printf ' s3cret \\n\\n'`, '--x')).toBe('s3cret')
  })

  it.each([
    ['exit 3', 'exit code 3'],
    ['kill -TERM $$', 'SIGTERM'],
    ['no-such-program-at-all 2>&-', 'exit code 127'],
  ])('that fails (%s) has no output in the error', async (script, how) => {
    await expect(readSecretCommand(`echo hunter2; ${script}`, '--x')).rejects.toMatchObject({
      code: 'ERR_INPUT',
      message: `the command of --x failed (${how})`,
    })
  })
})
