import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ByteSource } from '../../../src/server/http/http-message.ts'
import { makeGate, openConnection, openListener } from '../../support/server/raw-client.ts'

interface Watched extends ByteSource {
  readonly reads: number[]
  readonly closed: Promise<void>
}

/** A source of bytes. @param atOnce The most bytes that one read gives. */
function openSource(
  bytes: Uint8Array,
  { atOnce = bytes.length, lengthBytes = bytes.length } = {},
): Watched {
  const { opened, open } = makeGate()
  const reads: number[] = []
  return {
    reads,
    closed: opened,
    lengthBytes,
    async readInto(buffer, offset) {
      const piece = bytes.subarray(offset, offset + Math.min(buffer.length, atOnce))
      buffer.set(piece)
      reads.push(offset)
      return piece.length
    },
    async close() {
      open()
    },
  }
}

async function serve(source: (path: string) => ByteSource): Promise<URL> {
  const { listener } = await openListener(async ({ rawPath }) => {
    const body = source(rawPath)
    return { status: 200, headers: { 'content-length': String(body.lengthBytes) }, body }
  })
  return listener.url
}

async function get(url: URL): Promise<Buffer> {
  return Buffer.from(await (await fetch(url)).arrayBuffer())
}

describe('a reply from a source of bytes', () => {
  it('has all bytes in order, whatever one read gives', async () => {
    const sources = new Map<string, Watched>()
    const url = await serve((path) => sources.get(path) ?? openSource(Buffer.alloc(0)))
    let name = 0
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3_000_000 }),
        fc.integer({ min: 60_000, max: 2_000_000 }),
        async (length, atOnce) => {
          const path = `/${(name += 1)}`
          const bytes = randomBytes(length)
          const source = openSource(bytes, { atOnce })
          sources.set(path, source)
          expect((await get(new URL(path, url))).equals(bytes)).toBe(true)
          await source.closed
        },
      ),
      { numRuns: 40 },
    )
  })

  it('does not mix with the bytes of another reply', async () => {
    const contents = Array.from({ length: 24 }, (_, index) => Buffer.alloc(2_500_000, index + 1))
    const url = await serve((path) =>
      openSource(contents[Number(path.slice(1))] ?? Buffer.alloc(0)),
    )
    const answers = await Promise.all(contents.map((_, index) => get(new URL(`/${index}`, url))))
    expect(
      answers.map((answer, index) => answer.equals(contents[index] ?? Buffer.alloc(0))),
    ).toEqual(contents.map(() => true))
  })

  it('to HEAD reads nothing, and closes the source', async () => {
    const source = openSource(randomBytes(1000))
    const url = await serve(() => source)
    const answer = await fetch(url, { method: 'HEAD' })
    await source.closed
    expect([answer.status, answer.headers.get('content-length'), source.reads]).toEqual([
      200,
      '1000',
      [],
    ])
  })

  it('ends its connection when the source is shorter than it said', async () => {
    const source = openSource(randomBytes(700_000), { lengthBytes: 900_000 })
    const url = await serve(() => source)
    await expect(get(url)).rejects.toThrow('terminated')
    await source.closed
  })

  it('ends its connection when the source fails', async () => {
    const source = openSource(randomBytes(2_000_000))
    const url = await serve(() => ({
      ...source,
      readInto: async (buffer, offset) => {
        if (offset > 0) throw new Error('EIO')
        return source.readInto(buffer, offset)
      },
    }))
    await expect(get(url)).rejects.toThrow(/terminated|fetch failed/)
    await source.closed
  })

  it('stops and closes its source when the client goes away', async () => {
    const source = openSource(Buffer.alloc(200_000_000))
    const { listener } = await openListener(async () => ({ status: 200, body: source }))
    const connection = await openConnection(listener)
    connection.socket.pause()
    connection.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
    while (source.reads.length < 2) await once(connection.socket, 'readable')
    connection.socket.destroy()
    await source.closed
    expect(source.reads.length).toBeLessThan(400)
  })

  it('lets the connection be used again', async () => {
    const url = await serve((path) => openSource(Buffer.from(`body of ${path}`.repeat(50_000))))
    for (const path of ['/a', '/b', '/c'])
      expect((await get(new URL(path, url))).toString().startsWith(`body of ${path}`)).toBe(true)
  })
})
