import { existsSync } from 'node:fs'
import { readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Prompter } from '../../src/base/io.ts'
import { run } from '../../src/main.ts'
import { makeToken, signers } from '../support/tokens.ts'
import {
  clientId,
  clientSecret,
  createIo,
  json,
  openStage,
  type Ran,
  type Reply,
  type Stage,
  startMs,
  stsAnswer,
  stsRefusal,
  tokenAnswer,
} from '../support/commands/harness.ts'

/** A scripted user who gives these answers; `leave` is Ctrl-C. A refused text throws an error. */
function createPerson(answers: readonly (string | boolean)[]): Prompter & { questions: string[] } {
  const left = [...answers]
  const questions: string[] = []
  const next = (question: string): string | undefined => {
    questions.push(question)
    const answer = String(left.shift() ?? 'leave')
    return answer === 'leave' ? undefined : answer
  }
  return {
    questions,
    async askText({ message, check }) {
      const answer = next(message)
      const complaint = answer === undefined ? undefined : check?.(answer)
      if (complaint !== undefined) throw new Error(`${message} ${answer}: ${complaint}`)
      return answer
    },
    askSecret: async (message) => next(message),
    choose: async (message) => next(message),
    async confirm(message) {
      const answer = next(message)
      return answer === undefined ? undefined : answer === 'true'
    },
  }
}

let stage: Stage
let file: string
beforeEach(async () => {
  stage = await openStage()
  // The fake servers use the same time as the client.
  const headers = { date: new Date(startMs).toUTCString() }
  const answer = tokenAnswer({ access_token: makeToken(signers.RS256, { policy: 'readwrite' }) })
  stage.idp.answer = { ...answer, headers }
  stage.sts.answer = { ...stsAnswer(), headers }
  file = path.join(stage.home, '.config', 'sts-cli', 'config.toml')
})

async function init(person: Prompter | undefined, ...argv: string[]): Promise<Ran> {
  const io = createIo({ env: { HOME: stage.home } })
  io.now = startMs
  const openPrompter = person === undefined ? undefined : async () => person
  const code = await run(['config', 'init', ...argv], { ...io, nowMs: () => startMs, openPrompter })
  return { code, stdout: io.out.join(''), stderr: io.err.join(''), io }
}

const program = (): string[] => ['client-credentials', `${stage.idp.url}/token`, clientId]

describe('config init', () => {
  it('config init asks for settings, tests them, and writes a profile that login can use', async () => {
    const person = createPerson([...program(), 'client-secret', clientSecret, stage.sts.url])
    const ran = await init(person)
    expect(ran).toMatchObject({ code: 0, stdout: '' })
    expect(ran.stderr).toMatch(/pass {2}token[^]*pass {2}exchange[^]*next: sts-cli login\n$/)
    expect(ran.stderr).not.toContain(clientSecret)
    expect(await readFile(file, 'utf8')).toBe(
      `[profile.default]\nidp-endpoint = "${stage.idp.url}/token"\nclient-id = "${clientId}"\nclient-secret = "${clientSecret}"\nsts-endpoint = "${stage.sts.url}"\n`,
    )
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect((await stage.cli(['login', '-q'])).code).toBe(0)
  })

  it('config init distinguishes an issuer from a token endpoint', async () => {
    const plain = stage.idp.answer as Reply
    stage.idp.answer = ({ url }) =>
      url.endsWith('/openid-configuration')
        ? json({ issuer: stage.idp.url, token_endpoint: `${stage.idp.url}/token` })
        : plain
    const secretFile = path.join(stage.home, 'secret')
    await writeFile(secretFile, clientSecret)
    const answers = [
      'client-credentials',
      stage.idp.url,
      clientId,
      'client-secret-file',
      secretFile,
    ]
    expect((await init(createPerson([...answers, stage.sts.url]), '-p', 'ci')).code).toBe(0)
    const text = await readFile(file, 'utf8')
    expect(text).toMatch(/^\[profile\.ci\]\nissuer = /)
    expect(text).toContain(`client-secret-file = "${secretFile}"`)
  })

  it('config init keeps the existing profiles of the file', async () => {
    await stage.cli(['config', 'set', 'scope', 'mine'])
    await init(
      createPerson([...program(), 'client-secret-command', 'echo x', stage.sts.url]),
      '-p',
      'ci',
    )
    expect(await readFile(file, 'utf8')).toMatch(
      /^\[profile\.default\]\nscope = "mine"\n\n\[profile\.ci\]\n/,
    )
  })

  it('config init reports a failed check and saves the profile only after a confirmation', async () => {
    stage.sts.answer = stsRefusal('InvalidParameterValue', 'claim policy is missing', 400)
    const answers = [...program(), 'client-secret', clientSecret, stage.sts.url]
    const refused = await init(createPerson([...answers, false]))
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/fail {2}exchange[^]*fix: /),
    })
    expect(existsSync(file)).toBe(false)
    expect((await init(createPerson([...answers, true]))).code).toBe(0)
    expect(existsSync(file)).toBe(true)
  })

  it('config init writes nothing when the user leaves at any question', async () => {
    const answers = [...program(), 'client-secret', clientSecret, stage.sts.url]
    for (let count = 0; count < answers.length; count += 1) {
      const ran = await init(createPerson([...answers.slice(0, count), 'leave']))
      expect(ran).toMatchObject({ code: 130, stdout: '' })
    }
    expect(existsSync(file)).toBe(false)
  })

  it('config init requires a terminal and suggests config set', async () => {
    expect(await init(undefined)).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('config set'),
    })
  })

  it.each([
    ['an invalid URL', ['client-credentials', 'sso.example.com'], 'http or https'],
    [
      'an empty client id',
      ['client-credentials', 'https://127.0.0.1:1/token', ' '],
      'must stand here',
    ],
  ])('config init rejects %s', async (_what, answers, complaint) => {
    expect((await init(createPerson(answers))).stderr).toContain(complaint)
  })
})
