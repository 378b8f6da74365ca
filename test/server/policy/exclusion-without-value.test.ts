/** `NotResource: home/${jwt:sub}/*` excluded nothing for a token without that claim, or with the value `*`: the statement allowed everything. */
import { expect, it } from 'vitest'
import { decide } from '../../support/server/policy-requests.ts'

it.each([{}, { sub: '' }, { sub: '*' }])('NotResource excludes homes for claims %j', (claims) => {
  const NotResource = ['arn:aws:s3:::home/${jwt:sub}/*', 'arn:aws:s3:::home/*']
  const statement = { Effect: 'Allow', Action: 's3:*', NotResource }
  expect(decide(statement, { at: 'home/bob/x', claims })).toBe('none')
  const single = { ...statement, NotResource: NotResource.slice(0, 1) }
  expect(decide(single, { at: 'home//x', claims })).toBe(claims.sub === '*' ? 'Allow' : 'none')
  expect(decide(single, { at: 'home/*/x', claims })).toBe('none')
})
