/** `NotAction: admin:*` without a Resource was read as «no resource needed» and so allowed all of S3 on everything. */
import { expect, it } from 'vitest'
import { refusalOf, write } from '../../support/server/policy-requests.ts'

it('an allow of everything but admin actions must say on which resources', () => {
  expect(refusalOf(write({ Effect: 'Allow', NotAction: 'admin:*' }))).toBe(
    'the policy statement 0 must have Resource or NotResource, one of them',
  )
})
