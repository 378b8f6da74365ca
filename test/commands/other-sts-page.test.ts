/** The blocks of docs/other-sts.md, run with the address of a fake STS. */
import { beforeEach, describe, expect, it } from 'vitest'
import { optionTable } from '../../src/commands/options/option-table.ts'
import { encodeStsSuccess } from '../../src/protocol/sts-wire.ts'
import {
  expirationText,
  granted,
  idpToken,
  json,
  openStage,
  startFake,
  type Reply,
  type Seen,
  type Stage,
} from '../support/commands/harness.ts'
import { findBlock, readPage } from '../support/readme-blocks.ts'

const page = readPage('docs/other-sts.md')
let stage: Stage

/** Answers as AWS does: the session is one of the role's account. */
function answerAsAws({ form }: Seen): Reply {
  const [, , , , account = '', name = ''] = (form.get('RoleArn') ?? '').split(':')
  const arn = `arn:aws:sts::${account}:assumed-role/${name.slice(5)}/x`
  const credentials = { ...granted, expirationText, expiration: new Date(expirationText) }
  const result = { credentials, assumedRole: { arn, id: 'AROA:x' } }
  return { body: encodeStsSuccess(form.get('Action') ?? '', result, 'r') }
}

beforeEach(async () => {
  stage = await openStage()
  stage.sts.answer = answerAsAws
})

/** Returns the words of a block's one command, with the STS in place of AWS's. */
const readWords = (name: string): string[] =>
  findBlock(name, page)
    .text.replaceAll('\\\n', ' ')
    .replaceAll(/https:\/\/sts\.\S+/g, stage.sts.url)
    .trim()
    .split(/\s+/)
    .slice(1)

describe('the page about other STSes', () => {
  it('its first block logs in', async () => {
    const runner = await startFake(json({ value: idpToken }))
    const env = { ACTIONS_ID_TOKEN_REQUEST_URL: runner.url, ACTIONS_ID_TOKEN_REQUEST_TOKEN: 't' }
    const ran = await stage.cli(readWords('AWS’s STS, and others 1'), { env })
    expect(ran).toMatchObject({ code: 0, stderr: '' })
  })

  it('its chain ends in the second role', async () => {
    const ran = await stage.ask(readWords('Role chaining 1'))
    expect(ran).toMatchObject({ code: 0, stderr: '' })
    expect(stage.sts.seen.map(({ form }) => form.get('RoleArn'))).toEqual([
      'arn:aws:iam::111111111111:role/ci',
      'arn:aws:iam::222222222222:role/deploy',
    ])
  })

  it('every flag that it names exists', () => {
    const known = new Set(optionTable.map(({ name }) => name))
    const named = [...page.matchAll(/--([a-z][a-z-]+)/g)].map(([, name = '']) => name)
    expect(named.filter((name) => !known.has(name))).toEqual([])
  })
})
