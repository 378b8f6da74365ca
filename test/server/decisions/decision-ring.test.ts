import { expect, it } from 'vitest'
import { keepRequest } from '../../../src/server/decisions/decision-record.ts'
import { createDecisionRing } from '../../../src/server/decisions/decision-ring.ts'
import { describeOperation } from '../../../src/server/http/request-recorder.ts'
import { makeHttpRequest } from '../../support/server/make-request.ts'

function make(requestId: string, path = '/b/k') {
  const request = makeHttpRequest({ requestId, rawPath: path })
  const outcome = { reply: { status: 200 }, facts: describeOperation('GetObject') }
  return keepRequest(request, outcome, { sentBytes: 1, nowMs: 5 })
}

const idsOf = (ring: ReturnType<typeof createDecisionRing>): string[] =>
  ring.list().map(({ id }) => id)

it('a ring keeps the last requests, the newest first, and forgets the oldest', () => {
  const ring = createDecisionRing(3)
  for (const id of ['A', 'B', 'C', 'D', 'E']) ring.add(make(id))
  expect(idsOf(ring)).toEqual(['E', 'D', 'C'])
  expect(ring.find('C')?.id).toBe('C')
  expect(ring.find('B')).toBeUndefined()
})

it('a ring forgets earlier where the requests are long', () => {
  const ring = createDecisionRing(100, 50_000)
  for (let at = 0; at < 20; at += 1) ring.add(make(String(at), `/${'x'.repeat(8000)}`))
  expect(idsOf(ring).length).toBeLessThan(7)
  expect(idsOf(ring)[0]).toBe('19')
})

it('a ring keeps nothing that is longer than all its memory', () => {
  const ring = createDecisionRing(100, 5000)
  ring.add(make('A'))
  ring.add(make('B', `/${'x'.repeat(8000)}`))
  expect(idsOf(ring)).toEqual([])
})
