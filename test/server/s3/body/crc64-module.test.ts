import fc from 'fast-check'
import { expect, it } from 'vitest'
import { openCrc64Module } from '../../../../src/server/s3/body/crc64-module.ts'
import { updateCrc64Nvme } from '../../../../src/server/s3/body/crc-tables.ts'

const update = openCrc64Module()
const start = { high: 0, low: 0 }

it('the CRC-64/NVME in WebAssembly has the check value of the catalogue of CRCs', () => {
  const { high, low } = update(start, Buffer.from('123456789'))
  expect([high.toString(16), low.toString(16)]).toEqual(['ae8b1486', 'a799888'])
})

it('the CRC-64/NVME in WebAssembly equals the one by tables, in whatever pieces the bytes come', () => {
  const pieces = fc.array(fc.uint8Array({ maxLength: 100, size: 'max' }), { maxLength: 8 })
  fc.assert(
    fc.property(pieces, (given) => {
      const steps = given.map((piece) => Buffer.from(piece))
      const expected = updateCrc64Nvme(start, Buffer.concat(steps))
      expect(steps.reduce((crc, piece) => update(crc, piece), start)).toEqual(expected)
    }),
  )
})

it('a piece larger than the memory of the module is taken in several', () => {
  const bytes = Buffer.alloc(3 * 64 * 1024 + 5, 'some bytes')
  expect(update(start, bytes)).toEqual(updateCrc64Nvme(start, bytes))
})
