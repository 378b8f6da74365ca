/** `ForAnyValue:StringNotEquals` held for a request without the key, although there is no value that differs. */
import { expect, it } from 'vitest'
import { holds } from '../../support/server/policy-requests.ts'

it('ForAnyValue does not hold for a missing key', () => {
  const condition = { 'ForAnyValue:StringNotEquals': { 'jwt:groups': 'guests' } }
  expect(holds(condition, { claims: {} })).toBe(false)
  expect(holds(condition, { claims: { groups: [] } })).toBe(false)
  expect(holds(condition, { claims: { groups: ['staff'] } })).toBe(true)
})
