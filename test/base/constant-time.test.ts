import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { equalInConstantTime, isSameSecret } from '../../src/base/constant-time.ts'

describe('comparison in constant time', () => {
  it('finds equal exactly what is equal, whatever the lengths', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
        for (const compare of [equalInConstantTime, isSameSecret]) {
          expect(compare(a, b)).toBe(a === b)
          expect(compare(a, `${a}`)).toBe(true)
          expect(compare(a, `${a}x`)).toBe(false)
        }
      }),
    )
  })

  it('takes bytes and text of the same bytes as equal', () => {
    expect(equalInConstantTime(Buffer.from('é'), 'é')).toBe(true)
    expect(equalInConstantTime(Buffer.from('e'), 'é')).toBe(false)
  })
})
