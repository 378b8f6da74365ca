import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { toLogFields } from '../../../src/server/http/access-log.ts'
import { createRequestRecorder } from '../../../src/server/http/request-recorder.ts'

const question = {
  action: 's3:GetObject',
  bucket: 'b',
  key: 'k',
  rule: 'r',
  conditions: new Map(),
  question: {},
}

describe('the fields of a log line', () => {
  it('a log line has the fields that README.md lists, in that order', () => {
    const recorder = createRequestRecorder('GetObject')
    recorder.setCaller({
      kind: 'session',
      subject: 'alice',
      name: 'Alice',
      accessKeyId: 'A',
      roleArn: 'arn',
      roleSessionName: 'job',
      issuer: 'https://idp.example',
    })
    recorder.setIssued({ accessKeyId: 'B', expiresAtMs: 0 })
    recorder.setUpstreamRequestId('U')
    for (const isAllowed of [true, false])
      recorder.addDecision({ ...question, isAllowed, wouldDeny: isAllowed ? 'next' : undefined })
    const fields = toLogFields(recorder.toFacts({ code: 'AccessDenied', reason: 'no' }))

    const readme = readFileSync(path.join(import.meta.dirname, '../../../README.md'), 'utf8')
    const [, table = ''] = /\n\| field \| meaning \|\n\|.*\n((?:\|.*\n)+)/.exec(readme) ?? []
    const firstColumn = table.split('\n').map((row) => row.split('|')[1] ?? '')
    const documented = firstColumn.flatMap((cell) => cell.match(/\w+/g) ?? [])
    expect(Object.keys(fields)).toEqual(documented)
  })

  it('a log line has only the operation if nothing else is known', () => {
    expect(toLogFields(createRequestRecorder().toFacts())).toEqual({ operation: 'other' })
  })

  it('a log line truncates a text that is too long', () => {
    const recorder = createRequestRecorder()
    const long = 'x'.repeat(100_000)
    recorder.addDecision({ ...question, key: long, rule: long, isAllowed: false })
    const fields = toLogFields(recorder.toFacts({ code: 'AccessDenied', reason: long }))
    expect(JSON.stringify(fields).length).toBeLessThan(5000)
  })
})
