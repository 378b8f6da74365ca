import { describe, expect, it } from 'vitest'
import { StsCliError } from '../../src/base/errors.ts'
import { printError } from '../../src/commands/print-error.ts'
import { run } from '../../src/main.ts'
import { createIo, makeFolder, openStage, type IoOptions } from '../support/commands/harness.ts'

const failure = new StsCliError('sts-refused', 'it was refused', {
  stage: 'sts',
  hint: 'ask again',
  httpStatus: 403,
  serverCode: 'AccessDenied',
  serverMessage: 'Access Denied.',
  requestId: 'r-1',
})
const plain =
  'error: sts: it was refused (HTTP 403, AccessDenied)\nAccess Denied.\nhint: ask again\n'
const coloured = plain
  .replace('error:', '\u001b[31merror:\u001b[39m')
  .replace('hint:', '\u001b[36mhint:\u001b[39m')

async function print(
  error: unknown,
  argv: readonly string[] = [],
  options: IoOptions = {},
): Promise<{ code: number; stderr: string; stdout: string }> {
  const io = createIo(options)
  const code = await printError(error, argv, io)
  return { code, stderr: io.err.join(''), stdout: io.out.join('') }
}

function codedError(code: string): Error {
  return Object.assign(new Error(`${code}: as Node says it`), { code })
}

describe('error message for people', () => {
  it('an error message has what failed, the server’s message and a hint', async () => {
    expect(await print(failure)).toEqual({ code: 77, stderr: plain, stdout: '' })
  })

  it('an error message has one line if there is nothing to add', async () => {
    expect(await print(new StsCliError('flag-unknown', 'wrong'))).toMatchObject({
      code: 64,
      stderr: 'error: wrong\n',
    })
  })

  it.each<[string, readonly string[], Record<string, string>, boolean, boolean]>([
    ['a terminal', [], {}, true, true],
    ['a pipe', [], {}, false, false],
    ['a terminal with TERM=dumb', [], { TERM: 'dumb' }, true, false],
    ['a terminal with NO_COLOR', [], { NO_COLOR: '1' }, true, false],
    ['a terminal with an empty NO_COLOR', [], { NO_COLOR: '' }, true, true],
    ['a pipe with FORCE_COLOR', [], { FORCE_COLOR: '1' }, false, true],
    ['a terminal with FORCE_COLOR=0', [], { FORCE_COLOR: '0' }, true, false],
    ['both variables', [], { FORCE_COLOR: '1', NO_COLOR: '1' }, true, false],
    ['--color always and NO_COLOR', ['--color', 'always'], { NO_COLOR: '1' }, false, true],
    ['--color=never and FORCE_COLOR', ['--color=never'], { FORCE_COLOR: '1' }, true, false],
    ['--color auto', ['-color', 'auto'], {}, true, true],
    ['the last of two --color flags', ['--color=never', '--color=always'], {}, false, true],
  ])('an error’s colours depend on %s', async (_what, argv, env, isTty, isColoured) => {
    const { stderr } = await print(failure, argv, { env, isTty })
    expect(stderr).toBe(isColoured ? coloured : plain)
  })
})

describe('error message for programs', () => {
  it('a JSON error is one line and never coloured', async () => {
    const { stderr } = await print(failure, ['--json', '--color=always'], { isTty: true })
    expect(stderr.endsWith('}\n')).toBe(true)
    expect(JSON.parse(stderr)).toEqual({
      error: {
        reason: 'sts-refused',
        code: 'ERR_REFUSED',
        stage: 'sts',
        message: 'it was refused',
        httpStatus: 403,
        serverCode: 'AccessDenied',
        serverMessage: 'Access Denied.',
        requestId: 'r-1',
        hint: 'ask again',
        exitCode: 77,
      },
    })
  })

  it.each([
    [['-json'], true],
    [['--json=true'], true],
    [['--json=false'], false],
    [['--', '--json'], false],
    [['--jsonx'], false],
  ])('the arguments %j select a JSON error: %s', async (argv, isJson) => {
    expect((await print(failure, argv)).stderr.startsWith('{')).toBe(isJson)
  })
})

describe('unexpected failure', () => {
  it('an unexpected failure exits 70 and asks for a bug report', async () => {
    expect(await print(new TypeError('x is not a function'))).toMatchObject({
      code: 70,
      stderr:
        'error: a bug in sts-cli: TypeError: x is not a function\n' +
        'hint: please report it, with what --debug prints\n',
    })
    expect(await print('thrown text')).toMatchObject({ code: 70 })
  })

  it('an unexpected failure shows its stack with --debug', async () => {
    const { stderr } = await print(new TypeError('x'), ['--debug'])
    expect(stderr).toMatch(/^TypeError\n {4}at .*print-error\.test\.ts/m)
  })

  it.each(['ENOSPC', 'EIO', 'EBADF'])('the output error %s exits 74', async (code) => {
    expect(await print(codedError(code))).toMatchObject({
      code: 74,
      stderr: 'error: the output cannot be written\n',
    })
  })
})

describe('reader that closed the pipe', () => {
  it('a broken pipe ends a command without a message', async () => {
    expect(await print(codedError('EPIPE'))).toEqual({ code: 74, stderr: '', stdout: '' })
  })

  it.each([
    ['status', []],
    ['login', ['--json']],
    ['env', []],
    ['inspect', ['eyJhbGciOiJSUzI1NiJ9.e30.c2ln']],
  ])('%s writes no message about a broken pipe', async (name, argv) => {
    const stage = await openStage()
    const io = createIo({ env: { HOME: stage.home } })
    const broken = {
      ...io,
      writeStdout: () => {
        throw codedError('EPIPE')
      },
    }
    const asking = ['login', 'env'].includes(name) ? stage.flags : []
    expect(await run([name, ...asking, ...argv], broken)).toBe(74)
    expect(io.err).toEqual([])
  })

  it('a broken pipe does not hide another failure of env', async () => {
    const io = createIo({ env: { HOME: await makeFolder() } })
    const broken = {
      ...io,
      writeStdout: () => {
        throw codedError('EPIPE')
      },
    }
    expect(await run(['env'], broken)).toBe(77)
  })
})
