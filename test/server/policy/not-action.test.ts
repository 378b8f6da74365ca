/** `NotAction: admin:*` without a Resource passed as a statement that needs no resource, and so allowed all of S3 on everything. */
import { expect, it } from 'vitest'
import { refusalOf, write } from '../../support/server/policy-requests.ts'

it('an allow with NotAction for admin actions must name its resources', () => {
  expect(refusalOf(write({ Effect: 'Allow', NotAction: 'admin:*' }))).toBe(
    'the policy statement 0 must have Resource or NotResource, one of them',
  )
})
