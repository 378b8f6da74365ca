/** A condition on `constructor` or `__proto__` passed as a known key; it never had a value, so every negated operator held. */
import { expect, it } from 'vitest'
import { allowAll, refusalOf, write } from '../../support/server/policy-requests.ts'

it.each(['constructor', '__proto__', 'toString'])(
  'the condition key %s is not supported',
  (key) => {
    const Condition = JSON.parse(`{"StringNotEquals":{"${key}":"x"}}`) as object
    expect(refusalOf(write({ ...allowAll, Condition }))).toBe(
      `the policy statement 0: the condition key ${key} is not supported`,
    )
  },
)
