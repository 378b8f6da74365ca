import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createProgress } from '../../../src/commands/flow/progress.ts'
import { createIo, openStage, type TestIo } from '../../support/commands/harness.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const open = (env: Record<string, string> = {}, isTty = true): TestIo => createIo({ env, isTty })

describe('progress indicator', () => {
  it('a short wait shows no progress', () => {
    const io = open()
    const end = createProgress(io)?.('sso.example.com')
    vi.advanceTimersByTime(299)
    end?.()
    vi.advanceTimersByTime(10_000)
    expect(io.err).toEqual([])
  })

  it('a progress line names the host, spins, and is cleared at the end', () => {
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
    ['without a terminal', {}, false],
    ['in CI', { CI: 'true' }, true],
    ['on a dumb terminal', { TERM: 'dumb' }, true],
  ])('there is no progress indicator %s', (_where, env, isTty) => {
    expect(createProgress(open(env, isTty))).toBeUndefined()
  })
})

describe('login at a terminal', () => {
  it('login writes its status line to stderr only, and nothing with -q', async () => {
    vi.useRealTimers()
    const stage = await openStage()
    const { stdout, stderr } = await stage.ask(['login'], { isTty: true })
    expect(stdout).toMatch(/^##### Credentials\n\{/)
    expect(stderr).toMatch(/^valid for /)
    expect((await stage.ask(['login', '-q'], { isTty: true })).stderr).toBe('')
  })
})
