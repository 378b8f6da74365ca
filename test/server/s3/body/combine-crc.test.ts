import fc from 'fast-check'
import { expect, it } from 'vitest'
import { startChecksum } from '../../../../src/server/s3/body/checksum.ts'
import {
  combineCrcs,
  type CombinableAlgorithm,
} from '../../../../src/server/s3/body/combine-crc.ts'

const algorithms: readonly CombinableAlgorithm[] = ['CRC32', 'CRC32C', 'CRC64NVME']

function compute(algorithm: CombinableAlgorithm, bytes: Uint8Array): string {
  const running = startChecksum(algorithm)
  running.update(bytes)
  return running.digest().toString('base64')
}

it.each(algorithms)('the combined %s of parts is the one of all their bytes', (algorithm) => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 12 }), (parts) => {
      const texts = parts.map((part) => ({ value: compute(algorithm, part), size: part.length }))
      expect(combineCrcs(algorithm, texts)).toBe(compute(algorithm, Buffer.concat(parts)))
    }),
  )
})

it.each(algorithms)('the combined %s of long parts is the one of all their bytes', (algorithm) => {
  const sizes = [5 * 1024 * 1024 + 3, 1, 3 * 1024 * 1024, 0, 77]
  const parts = sizes.map((size, index) => Buffer.alloc(size, `part ${index}`))
  const texts = parts.map((part) => ({ value: compute(algorithm, part), size: part.length }))
  expect(combineCrcs(algorithm, texts)).toBe(compute(algorithm, Buffer.concat(parts)))
})
