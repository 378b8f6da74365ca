/** A date without a time zone was read in the time zone of the server; `IpAddress ::/0` included IPv4 clients. */
import { expect, it } from 'vitest'
import { allowAll, holds, refusalOf, write } from '../../support/server/policy-requests.ts'

it('a date without a time zone is refused in a condition', () => {
  const Condition = { DateLessThan: { 'aws:CurrentTime': '2026-11-23T16:00:00' } }
  expect(refusalOf(write({ ...allowAll, Condition }))).toMatch(
    /takes a date as 2026-11-23T16:00:00Z/,
  )
})

it('an IPv6 network does not contain IPv4 clients', () => {
  const condition = { IpAddress: { 'aws:SourceIp': '::/0' } }
  expect(holds(condition, { conditions: { SourceIp: '10.1.2.3' } })).toBe(false)
  expect(holds(condition, { conditions: { SourceIp: '2001:db8::1' } })).toBe(true)
})
