import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  encryptStream,
  openSegments,
  segmentBytes,
  toPlainBytes,
  toStoredBytes,
  type StreamContext,
} from '../../../../src/server/s3/body/segments.ts'

const context: StreamContext = {
  customerKey: randomBytes(32),
  id: 'an-id',
  bucket: 'photos',
  key: 'a',
}
const storedSegment = segmentBytes + 16
const header = 32

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function encrypt(
  plain: Uint8Array,
  { pieces = 40_000, part = 0, of = context } = {},
): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of encryptStream(inPieces(plain, pieces), of, part)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

async function decrypt(
  stored: Buffer,
  sizes: readonly number[],
  { start = 0, end = sizes.reduce((sum, size) => sum + size, 0), of = context } = {},
): Promise<Buffer> {
  const read = openSegments(
    async (buffer, at) => stored.copy(buffer, 0, at, at + buffer.length),
    sizes,
    of,
  )
  const buffer = Buffer.alloc(end - start)
  return buffer.subarray(0, await read(buffer, start))
}

const sizes = fc.oneof(
  fc.nat(300),
  fc.nat(3 * segmentBytes),
  fc.constantFrom(0, 1, segmentBytes - 1, segmentBytes, segmentBytes + 1, 2 * segmentBytes),
)

it('any range of any parts is read as it was before the encryption, whatever pieces they came in', async () => {
  const parts = fc.array(
    fc.record({ size: sizes, pieces: fc.integer({ min: 1000, max: 200_000 }) }),
    {
      minLength: 1,
      maxLength: 4,
    },
  )
  await fc.assert(
    fc.asyncProperty(
      parts,
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.nat(70_000),
      async (given, from, length) => {
        const plains = given.map(({ size }) => randomBytes(size))
        const streams: Buffer[] = []
        for (const [index, plain] of plains.entries())
          streams.push(await encrypt(plain, { pieces: given[index]?.pieces, part: index + 1 }))
        for (const [index, plain] of plains.entries()) {
          expect(streams[index]?.length).toBe(toStoredBytes(plain.length))
          expect(toPlainBytes(streams[index]?.length ?? 0)).toBe(plain.length)
        }
        const whole = Buffer.concat(plains)
        const start = Math.floor(from * whole.length)
        const end = Math.min(whole.length, start + length)
        const range = await decrypt(
          Buffer.concat(streams),
          given.map(({ size }) => size),
          { start, end },
        )
        expect(range.equals(whole.subarray(start, end))).toBe(true)
      },
    ),
    { numRuns: 40 },
  )
})

it('a changed bit, wherever it is, is found by a read of its segment', async () => {
  const plain = randomBytes(2 * segmentBytes + 100)
  const stored = await encrypt(plain)
  await fc.assert(
    fc.asyncProperty(fc.nat(stored.length * 8 - 1), async (bit) => {
      const changed = Buffer.from(stored)
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      await expect(decrypt(changed, [plain.length])).rejects.toMatchObject({
        code: 'InternalError',
      })
    }),
    { numRuns: 60 },
  )
})

it('segments cannot be cut off, left out, reordered or repeated', async () => {
  const plain = randomBytes(3 * segmentBytes)
  const stored = await encrypt(plain)
  const segment = (index: number): Buffer =>
    stored.subarray(header + index * storedSegment, header + (index + 1) * storedSegment)
  const head = stored.subarray(0, header)
  for (const order of [
    [0, 1],
    [0, 2],
    [1, 0, 2],
    [0, 0, 2],
    [0, 1, 1],
    [2, 1, 0],
  ]) {
    const forged = Buffer.concat([head, ...order.map(segment)])
    const read = decrypt(forged, [order.length * segmentBytes])
    await expect(read).rejects.toMatchObject({ code: 'InternalError' })
  }
})

it('a stream is of its own object, name and part only', async () => {
  const plain = randomBytes(100)
  const stored = await encrypt(plain, { part: 1 })
  for (const of of [
    { ...context, id: 'another' },
    { ...context, bucket: 'another' },
    { ...context, key: 'b' },
    { ...context, customerKey: randomBytes(32) },
  ])
    await expect(decrypt(stored, [100], { of })).rejects.toMatchObject({ code: 'InternalError' })
  const renumbered = Buffer.from(stored)
  renumbered.writeUInt32BE(2, 8)
  await expect(decrypt(renumbered, [100])).rejects.toMatchObject({ code: 'InternalError' })
  const second = await encrypt(plain, { part: 2 })
  expect(await decrypt(Buffer.concat([stored, second]), [100, 100])).toHaveLength(200)
  for (const swapped of [
    [second, stored],
    [stored, stored],
  ])
    await expect(decrypt(Buffer.concat(swapped), [100, 100])).rejects.toMatchObject({
      code: 'InternalError',
    })
})
