/** A date without a zone was read in the time zone of whatever machine the server ran on; `IpAddress ::/0` meant IPv4 clients too. */
import { expect, it } from 'vitest'
import { allowAll, holds, refusalOf, write } from '../../support/server/policy-requests.ts'

it('a date without a zone is refused', () => {
  const Condition = { DateLessThan: { 'aws:CurrentTime': '2026-11-23T16:00:00' } }
  expect(refusalOf(write({ ...allowAll, Condition }))).toMatch(
    /takes a date as 2026-11-23T16:00:00Z/,
  )
})

it('a network of IPv6 holds no IPv4 client', () => {
  const condition = { IpAddress: { 'aws:SourceIp': '::/0' } }
  expect(holds(condition, { conditions: { SourceIp: '10.1.2.3' } })).toBe(false)
  expect(holds(condition, { conditions: { SourceIp: '2001:db8::1' } })).toBe(true)
})
