import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createProgress } from '../../../src/commands/flow/progress.ts'
import { createIo, openStage, type TestIo } from '../../support/commands/harness.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const open = (env: Record<string, string> = {}, isTty = true): TestIo => createIo({ env, isTty })

describe('progress on a terminal', () => {
  it('is not shown for what is quick', () => {
    const io = open()
    const end = createProgress(io)?.('sso.example.com')
    vi.advanceTimersByTime(299)
    end?.()
    vi.advanceTimersByTime(10_000)
    expect(io.err).toEqual([])
  })

  it('names what is waited for, turns, and leaves an empty line', () => {
    const io = open()
    const end = createProgress(io)?.('sso.example.com\u001b[2J')
    vi.advanceTimersByTime(300)
    expect(io.err).toEqual(['\r\u001b[K⠋ waiting for sso.example.com [2J'])
    vi.advanceTimersByTime(200)
    expect(io.err.slice(1).map((text) => text.charAt(4))).toEqual(['⠙', '⠹'])
    end?.()
    expect(io.err.at(-1)).toBe('\r\u001b[K')
    const { length } = io.err
    vi.advanceTimersByTime(10_000)
    expect(io.err).toHaveLength(length)
  })

  it.each([
    ['where there is no terminal', {}, false],
    ['in CI', { CI: 'true' }, true],
    ['on a dumb terminal', { TERM: 'dumb' }, true],
  ])('is none %s', (_where, env, isTty) => {
    expect(createProgress(open(env, isTty))).toBeUndefined()
  })
})

describe('a login at a terminal', () => {
  it('writes nothing of it on stdout, and nothing at all with -q', async () => {
    vi.useRealTimers()
    const stage = await openStage()
    const { stdout, stderr } = await stage.ask(['login'], { isTty: true })
    expect(stdout).toMatch(/^##### Credentials\n\{/)
    expect(stderr).toMatch(/^valid for /)
    expect((await stage.ask(['login', '-q'], { isTty: true })).stderr).toBe('')
  })
})
