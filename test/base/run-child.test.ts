import { describe, expect, it } from 'vitest'
import { readSecretCommand, runChild } from '../../src/base/execa.ts'
import { makeFolder } from '../commands/harness.ts'

const env = { PATH: process.env['PATH'] }

function runScript(script: string, controller = new AbortController()): Promise<unknown> {
  const argv = ['sh', '-c', script]
  return runChild({ argv, env, signal: controller.signal, isTerminalShared: false })
}

describe('a command of the user’s', () => {
  it.each([
    ['its own exit code', 'exit 0', 0],
    ['its own exit code', 'exit 42', 42],
    ['128 and the signal’s number', 'kill -TERM $$', 143],
    ['128 and the signal’s number', 'kill -KILL $$', 137],
  ])('ends with %s: %s', async (_what, script, code) => {
    expect(await runScript(script)).toEqual({ exitCode: code })
  })

  it('ends with 127 when there is none, and with 126 when it cannot be run', async () => {
    const { signal } = new AbortController()
    const run = (file: string): Promise<unknown> =>
      runChild({ argv: [file], env, signal, isTerminalShared: false })
    expect(await run('/nowhere/no-such-program')).toEqual({
      exitCode: 127,
      failure: 'there is no program /nowhere/no-such-program',
    })
    const folder = await makeFolder()
    expect(await run(folder)).toEqual({
      exitCode: 126,
      failure: `${folder} cannot be run (EACCES)`,
    })
  })

  it('has the environment that it is given and nothing besides', async () => {
    const { signal } = new AbortController()
    const argv = ['/bin/sh', '-c', 'test "$GIVEN" = "a b" && test -z "$HOME$VITEST"']
    expect(
      await runChild({ argv, env: { GIVEN: 'a b' }, signal, isTerminalShared: false }),
    ).toEqual({
      exitCode: 0,
    })
  })

  it('is told of the signal that we got', async () => {
    const controller = new AbortController()
    const ended = runScript('trap "exit 7" TERM; while :; do read -r _ <&-; done 2>&-', controller)
    setImmediate(() => controller.abort('SIGTERM'))
    expect([{ exitCode: 7 }, { exitCode: 143 }]).toContainEqual(await ended)
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
