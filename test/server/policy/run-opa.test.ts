import { existsSync, statSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createJsonClient } from '../../../src/base/http/json-client.ts'
import { createOpaAuthorizer } from '../../../src/server/policy/opa-authorizer.ts'
import { runOpa, type RunningOpa, type RunOpaOptions } from '../../../src/server/policy/run-opa.ts'
import { type FakeOpa, installFakeOpa } from '../../support/server/fake-opa.ts'
import { makeRequest } from '../../support/server/policy-requests.ts'

interface Logged {
  readonly message: string
  readonly facts: object
}

/** Returns a log whose lines a test can wait for. */
function openLog() {
  const lines: Logged[] = []
  const waiting: (() => void)[] = []
  const note = (facts: object, message: string): void => {
    lines.push({ message, facts })
    for (const wake of waiting.splice(0)) wake()
  }
  return {
    log: { info: note, warn: note, error: note },
    lines,
    async waitFor(message: string, count = 1) {
      while (lines.filter((line) => line.message === message).length < count)
        await new Promise<void>((resolve) => waiting.push(resolve))
    },
  }
}

async function start(
  fake: FakeOpa,
  options: Partial<RunOpaOptions> = {},
): Promise<{ opa: RunningOpa; log: ReturnType<typeof openLog> }> {
  const log = openLog()
  const opa = await runOpa({
    ...fake,
    query: undefined,
    log: log.log,
    nowMs: () => 0,
    restartDelayMs: 1,
    ...options,
  })
  onTestFinished(() => opa.stop())
  return { opa, log }
}

function connect({ socketPath, url }: RunningOpa) {
  const client = createJsonClient({ timeoutMs: 5000, maxBytes: 64 * 1024, socketPath })
  onTestFinished(() => client.close())
  const { log } = openLog()
  const authorizer = createOpaAuthorizer({ form: 'opa', url, postJson: client.postJson, log })
  return {
    ask: async (action = 's3:GetObject') => authorizer.authorize(makeRequest({ action })),
    answer: async () => {
      const { result } = (await client.postJson(url, { input: {} })) as {
        result: { asked: string; argv: string[]; env: Record<string, string> }
      }
      return result
    },
    isReady: () => authorizer.checkReady(),
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

const refusalOf = (fake: FakeOpa, options: Partial<RunOpaOptions> = {}): Promise<unknown> =>
  start(fake, options).then(
    () => 'started',
    (error: unknown) => error,
  )

describe('an OPA that the server starts', () => {
  it('OPA answers when it is ready, and stop ends it and removes its folder', async () => {
    const fake = await installFakeOpa('package httpapi.authz')
    const { opa } = await start(fake)
    expect(await connect(opa).ask()).toEqual({
      isAllowed: true,
      reason: 'allowed by the policy engine',
    })
    const [pid = 0] = await fake.readStarts()
    expect(isRunning(pid)).toBe(true)
    await opa.stop()
    expect(isRunning(pid)).toBe(false)
    expect(existsSync(path.dirname(opa.socketPath))).toBe(false)
  })

  it('OPA listens on a socket that only this user can reach, and does not check for updates', async () => {
    const { opa } = await start(await installFakeOpa('package httpapi.authz'))
    expect(statSync(path.dirname(opa.socketPath)).mode & 0o777).toBe(0o700)
    const { argv } = await connect(opa).answer()
    expect(argv).toContain('--skip-version-check')
    expect(argv).toContain(`unix://${opa.socketPath}`)
  })

  it('OPA gets PATH and HOME from the environment of the server, but no secret', async () => {
    const { opa } = await start(await installFakeOpa('package httpapi.authz'))
    const { env } = await connect(opa).answer()
    expect(JSON.stringify(env)).not.toContain('hunter2')
    expect(Object.keys(env).toSorted().slice(0, 2)).toEqual(['HOME', 'PATH'])
  })
})

describe('the OPA query', () => {
  const asked = async (words: string, query?: string): Promise<string> => {
    const { opa } = await start(await installFakeOpa(words), { query })
    return (await connect(opa).answer()).asked
  }

  it.each([
    ['package httpapi.authz', '/v1/data/httpapi/authz'],
    ['package mine', '/v1/data/mine'],
    ['package mine package mine_test', '/v1/data/mine'],
    ['package lib package httpapi.authz package z', '/v1/data/httpapi/authz'],
  ])('the query for %s is %s', async (words, document) => {
    expect(await asked(words)).toBe(document)
  })

  it.each([
    'a/b/allow',
    'a.b.allow',
    'data.a.b.allow',
    'data/a/b/allow/',
    '/v1/data/a/b/allow',
    'v1/data/a/b/allow',
  ])('the query may be written as %s', async (query) => {
    expect(await asked('package a.b package c', query)).toBe('/v1/data/a/b/allow')
  })

  it.each(['', 'a b', 'http://x/v1/data/a', 'a//b', '../a', 'a?b'])(
    'the query %j is refused',
    async (query) => {
      const fake = await installFakeOpa('package a')
      expect(await refusalOf(fake, { query })).toMatchObject({
        code: 'ERR_USAGE',
        message: `the Rego query ${JSON.stringify(query)} is not a document`,
      })
    },
  )

  it('the query is required if the file has several packages', async () => {
    expect(await refusalOf(await installFakeOpa('package a.b package c'))).toMatchObject({
      code: 'ERR_CONFIG',
      message: expect.stringMatching(/x\.rego holds 2 packages$/),
      reason: 'rego-query-missing',
      details: { known: ['a/b', 'c'] },
    })
    expect(await refusalOf(await installFakeOpa('nothing'))).toMatchObject({
      code: 'ERR_CONFIG',
      message: expect.stringMatching(/x\.rego holds no Rego$/),
    })
  })

  it('Rego from before OPA 1.0 runs with --v0-compatible', async () => {
    const { opa, log } = await start(await installFakeOpa('package httpapi.authz older'))
    expect((await connect(opa).answer()).argv).toContain('--v0-compatible')
    expect(log.lines).toMatchObject([
      { message: 'this Rego is from before OPA 1.0: it is read with --v0-compatible' },
    ])
  })
})

describe('failed starts of OPA', () => {
  it.each([
    ['syntax error', 'error: x.rego:4: rego_parse_error: unexpected }\n\t}\n\t^[2J'],
    ['type error', 'error: undefined function nope'],
  ])('the error for a %s contains OPA’s own message', async (words, serverMessage) => {
    const fake = await installFakeOpa(`package a ${words}`)
    expect(await refusalOf(fake)).toMatchObject({
      code: 'ERR_CONFIG',
      message: `opa does not take ${fake.rego} (exit code 1)`,
      serverMessage,
    })
    expect(await fake.readStarts()).toEqual([])
  })

  it('the error for a missing opa program says that Rego needs it', async () => {
    const fake = await installFakeOpa('package a')
    expect(await refusalOf(fake, { env: { PATH: '/nowhere' } })).toMatchObject({
      code: 'ERR_CONFIG',
      reason: 'opa-missing',
      message: 'Rego needs the program opa, and the PATH has none',
    })
  })

  it('the error for a missing Rego file names the file', async () => {
    const fake = await installFakeOpa('package a')
    expect(await refusalOf(fake, { rego: '/nowhere/x.rego' })).toMatchObject({
      code: 'ERR_INPUT',
      message: 'the Rego /nowhere/x.rego cannot be read',
    })
  })

  it('an OPA that never answers is stopped', async () => {
    const fake = await installFakeOpa('package a silent')
    expect(await refusalOf(fake, { startLimitMs: 500 })).toMatchObject({ code: 'ERR_TIMEOUT' })
    const pids = await fake.readStarts()
    expect(pids.some(isRunning)).toBe(false)
  })
})

describe('an OPA that exits', () => {
  it('an OPA that exits is started again, and requests in the meantime are denied', async () => {
    const fake = await installFakeOpa('package httpapi.authz')
    const { opa, log } = await start(fake)
    const { ask, isReady } = connect(opa)
    expect((await ask('s3:Die')).isAllowed).toBe(false)
    await log.waitFor('opa ended')
    expect(log.lines[0]).toEqual({
      message: 'opa ended',
      facts: { how: 'exit code 3', output: '', restarts: 0 },
    })
    while (!(await isReady()));
    expect((await ask()).isAllowed).toBe(true)
    expect(await fake.readStarts()).toHaveLength(2)
  })

  it('an OPA that keeps exiting is not restarted after five times: every request is denied, and readiness fails', async () => {
    const fake = await installFakeOpa('package httpapi.authz doomed')
    const { opa, log } = await start(fake)
    const { ask, isReady } = connect(opa)
    await ask('s3:Die')
    await log.waitFor('opa is not started again: every request is denied')
    expect(await fake.readStarts()).toHaveLength(6)
    expect(log.lines.at(-2)).toMatchObject({ facts: { output: 'the last words', restarts: 5 } })
    expect(await ask()).toMatchObject({
      isAllowed: false,
      reason: expect.stringMatching(/^the policy engine cannot be reached/),
    })
    expect(await isReady()).toBe(false)
  })

  it('an OPA that exits is not started again once the server has stopped it', async () => {
    const fake = await installFakeOpa('package httpapi.authz doomed')
    const { opa, log } = await start(fake, { restartDelayMs: 60_000 })
    await connect(opa).ask('s3:Die')
    await log.waitFor('opa ended')
    await opa.stop()
    expect(await fake.readStarts()).toHaveLength(1)
  })
})
