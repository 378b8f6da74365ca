import fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  checkSessionPolicy,
  parseSessionPolicy,
} from '../../../src/server/policy/session-policy.ts'
import { allowAll } from '../../support/server/policy-requests.ts'

const long = {
  Version: '2012-10-17',
  Statement: Array.from({ length: 24 }, (_, index) => ({ ...allowAll, Sid: `s ${index} \\ "` })),
}

it('white space between the members of a session policy does not count', () => {
  const compact = JSON.stringify(long)
  const indented = JSON.stringify(long, undefined, '\t\r\n    ')
  expect(compact.length).toBeLessThanOrEqual(2048)
  expect(indented.length).toBeGreaterThan(2048)
  expect(parseSessionPolicy(indented).statements).toHaveLength(24)
  expect(checkSessionPolicy(indented)).toBe(compact)
})

it('white space inside the strings of a session policy counts', () => {
  const text = JSON.stringify({ ...long, Id: ' '.repeat(2048) })
  expect(() => parseSessionPolicy(text)).toThrow(/bytes without white space; at most 2048/)
})

it('a session policy of more than 16 KiB is refused, white space included', () => {
  const text = JSON.stringify(long)
  const fits = text + ' '.repeat(16 * 1024 - text.length)
  expect(parseSessionPolicy(fits).statements).toHaveLength(24)
  expect(() => parseSessionPolicy(`${fits} `)).toThrow(
    'the session policy has 16385 bytes; at most 16384 are accepted, white space included',
  )
})

it('a session policy is kept with the same meaning and without the white space', () => {
  const indents = fc.constantFrom(' ', '\t', '  \n', '\r\n')
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), indents, (Id, indent) => {
      const document = { ...long, Statement: [allowAll], Id }
      const kept = checkSessionPolicy(JSON.stringify(document, undefined, indent))
      expect(kept).toBe(JSON.stringify(document))
    }),
  )
})
