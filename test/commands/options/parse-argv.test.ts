import { describe, expect, it } from 'vitest'
import { StsCliError } from '../../../src/base/errors.ts'
import { optionsOf } from '../../../src/commands/options/option-table.ts'
import {
  findNearest,
  parseArgv,
  type ParsedArgv,
} from '../../../src/commands/options/parse-argv.ts'
import { createSettings } from '../../../src/commands/options/settings.ts'
import { goVectors } from '../../support/go-vectors.ts'
import { createIo, runLine } from '../../support/commands/harness.ts'

const longNames = {
  cid: 'client-id',
  csec: 'client-secret',
  'idp-ep': 'idp-endpoint',
  'sts-ep': 'sts-endpoint',
}
const isHelp = (error: string | undefined): boolean => error === 'flag: help requested'
const parseDropIn = (argv: readonly string[]): ParsedArgv =>
  parseArgv(argv, optionsOf('quickstart'), { isStoppingAtOperand: true })
const parseLogin = (...argv: readonly string[]): ParsedArgv =>
  parseArgv(argv, optionsOf('login'), { isStoppingAtOperand: false })

describe('Go flag syntax without a command', () => {
  it('the vectors hold all 37 recorded command lines of the Go program', () => {
    expect(goVectors.flags).toHaveLength(37)
  })

  it.each(goVectors.flags.filter(({ values }) => values !== undefined))(
    'flags without a command parse $argv as the Go program does',
    ({ argv, values, rest = [] }) => {
      const parsed = parseDropIn(argv)
      const settings = createSettings(parsed, createIo())
      const got = Object.entries(longNames).map(([go, name]) => [go, settings.get(name) ?? ''])
      expect(Object.fromEntries(got)).toEqual(values)
      expect([...parsed.operands, ...(parsed.command ?? [])]).toEqual(rest)
    },
  )

  it.each(goVectors.flags.filter(({ error }) => error !== undefined && !isHelp(error)))(
    '$argv is refused with the Go program’s message and exit code 64',
    async ({ argv, error }) => {
      expect(() => parseDropIn(argv)).toThrow(expect.objectContaining({ code: 'ERR_USAGE' }))
      const { code, stdout, stderr } = await runLine(argv)
      expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
      expect(stderr.split('\n')[0]).toBe(`error: ${error ?? ''}`)
    },
  )

  it.each(goVectors.flags.filter(({ error }) => isHelp(error)))(
    '$argv without a command shows the help page',
    async ({ argv }) => {
      const { code, stdout, stderr } = await runLine(argv)
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(stdout).toContain('sts-cli -cid ID -csec SECRET')
    },
  )
})

describe('flags of a command', () => {
  it.each([
    [['-cid', 'x']],
    [['--cid', 'x']],
    [['-cid=x']],
    [['--cid=x']],
    [['-client-id', 'x']],
    [['--client-id=x']],
    [['--client-id', 'y', '-cid', 'x']],
  ])('%j sets the client id', (argv) => {
    expect(parseLogin(...argv).flags.get('client-id')).toBe('x')
  })

  it('flags may follow an operand and end at a double dash', () => {
    const { flags, operands, command } = parseLogin('a', '-q', 'b', '--', '-cid', 'x')
    expect([...flags]).toEqual([['quiet', true]])
    expect(operands).toEqual(['a', 'b'])
    expect(command).toEqual(['-cid', 'x'])
  })

  it('a repeated list flag keeps every value in order', () => {
    const { flags } = parseLogin('--param', 'a=1', '--param=b=2')
    expect(flags.get('param')).toEqual(['a=1', 'b=2'])
  })

  it.each([
    ['-q', true],
    ['-q=true', true],
    ['--quiet=T', true],
    ['-quiet=1', true],
    ['-q=false', false],
    ['-q=0', false],
    ['--q=F', false],
  ])('%s sets --quiet to %s', (word, value) => {
    expect(parseLogin(word).flags.get('quiet')).toBe(value)
  })

  it('a boolean flag refuses a value other than true or false', () => {
    expect(() => parseLogin('-q=maybe')).toThrow(/invalid boolean value for -q/)
  })

  it('flags can be neither combined nor abbreviated', () => {
    expect(() => parseLogin('-qv')).toThrow('flag provided but not defined: -qv')
    expect(() => parseLogin('--client')).toThrow('flag provided but not defined: -client')
  })

  it.each([
    ['--client-secert', '--client-secret'],
    ['-cidd', '-cid'],
    ['--idp-endpont', '--idp-endpoint'],
    ['--tiemout=3s', '--timeout'],
  ])('an error about the unknown flag %s suggests %s', (word, nearest) => {
    const error = catchError(() => parseLogin(word, 'x'))
    expect(error.hint).toBe(`did you mean ${nearest}?`)
  })

  it('an unknown flag without a similar name refers to the help page', () => {
    expect(catchError(() => parseLogin('--xyzzyplugh')).hint).toBe('sts-cli --help lists the flags')
  })
})

describe('nearest word', () => {
  it.each([
    ['logn', 'login'],
    ['LOGIN', 'login'],
    ['stauts', 'status'],
    ['qqqqqq', undefined],
  ])('the nearest command to %s is %s', (word, nearest) => {
    expect(findNearest(word, ['login', 'logout', 'status'])).toBe(nearest)
  })
})

function catchError(act: () => unknown): StsCliError {
  try {
    act()
  } catch (error) {
    if (error instanceof StsCliError) return error
  }
  throw new Error('nothing was refused')
}
