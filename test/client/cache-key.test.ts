import { beforeEach, describe, expect, it } from 'vitest'
import { openStage, startMs, stsAnswer, type Stage } from '../support/commands/harness.ts'

let stage: Stage

beforeEach(async () => {
  stage = await openStage()
  stage.sts.answer = () => stsAnswer(undefined, { expirationText: '2026-11-23T18:00:00Z' })
})

/** Requests credentials by flags; they come from the cache only if every input is the same. */
const ask = (flags: readonly string[]): Promise<unknown> =>
  stage.cli(['creds', '-sts-ep', stage.sts.url, '-idp-ep', `${stage.idp.url}/token`, ...flags], {
    now: startMs,
    env: { A: 'a.a.a', B: 'b.b.b' },
  })

describe('cached credentials', () => {
  const client = ['-cid', 'x', '-csec', 'y']

  it.each<[string, readonly string[], readonly string[]]>([
    ['the client', client, ['-cid', 'z', '-csec', 'y']],
    ['its secret', client, ['-cid', 'x', '-csec', 'z']],
    ['the auth method', client, [...client, '--auth-method', 'client_secret_post']],
    ['the scope', client, [...client, '--scope', 's']],
    ['the audience', client, [...client, '--audience', 'a']],
    ['a parameter', client, [...client, '--param', 'a=b']],
    ['the action', client, [...client, '--action', 'web-identity']],
    ['the policy', client, [...client, '--policy', '{}']],
    ['the lifetime', client, [...client, '--duration', '20m']],
    ['the role', client, [...client, '--role-arn', 'arn:x']],
    ['the name of the session', client, [...client, '--role-session-name', 'n']],
    ['the token', ['--token-env', 'A'], ['--token-env', 'B']],
    ['the command', ['--token-command', 'echo a.a.a'], ['--token-command', 'echo  a.a.a']],
    ['the grant', ['--token-env', 'A'], ['--token-command', 'echo a.a.a']],
  ])('creds requests new credentials when %s differs', async (_what, first, second) => {
    await ask(first)
    await ask(first)
    expect(stage.sts.seen).toHaveLength(1)
    await ask(second)
    expect(stage.sts.seen).toHaveLength(2)
  })
})
