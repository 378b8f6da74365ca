/** The contract of src/server/s3/request/object-store.ts, line by line, for each implementation of the store. */
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AwsError } from '../../../../src/protocol/aws-error.ts'
import { openFilesystemStore } from '../../../../src/server/s3/filesystem/open-filesystem-store.ts'
import type { ObjectContent } from '../../../../src/server/s3/body/object-content.ts'
import type {
  ObjectInfo,
  ObjectStore,
  PutOptions,
  UploadInfo,
} from '../../../../src/server/s3/request/object-store.ts'

interface Opened {
  readonly store: ObjectStore
  /** Opens the store as a second process does, on what the first one left behind. */
  reopen(): Promise<ObjectStore>
  close(): Promise<void>
}

const nowMs = (): number => Date.parse('2026-11-23T16:33:27Z')

const stores: Readonly<Record<string, () => Promise<Opened>>> = {
  'a folder': async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sts-cli-store-'))
    // the store is one folder below, so that the test sees what escapes from it
    const reopen = (): Promise<ObjectStore> => openFilesystemStore(join(folder, 'store'), { nowMs })
    return {
      store: await reopen(),
      reopen,
      async close() {
        expect(await readdir(folder)).toEqual(['store'])
        await rm(folder, { recursive: true })
      },
    }
  },
}

const metadata = { contentType: 'text/plain', headers: {}, userMetadata: {} }
const list = { prefix: '', delimiter: '', after: '', limit: 1000 }

/** @param onPiece Runs before each piece is returned. */
function makeContent(
  pieces: readonly string[],
  onPiece = async (): Promise<void> => {},
): ObjectContent {
  return {
    chunks: (async function* () {
      for (const piece of pieces) {
        await onPiece()
        yield Buffer.from(piece)
      }
      await onPiece()
    })(),
    describe: () => ({ etag: createHash('md5').update(pieces.join('')).digest('hex') }),
  }
}

describe.each(Object.entries(stores))('objects in %s', (_name, open) => {
  let opened: Opened
  let store: ObjectStore

  beforeEach(async () => {
    opened = await open()
    store = opened.store
    await store.createBucket('photos')
  })
  afterEach(() => opened.close())

  const put = (
    key: string,
    value: string,
    options: Partial<PutOptions> = {},
  ): Promise<ObjectInfo> =>
    store.putObject('photos', key, makeContent([value]), { metadata, ...options })

  async function read(key: string, from = store): Promise<string | undefined> {
    const object = await from.openObject('photos', key)
    return object && (await object.readAll()).toString()
  }

  async function listKeys(): Promise<string[]> {
    return (await store.listObjects('photos', list)).entries.map(({ name }) => name)
  }

  describe('an atomic write', () => {
    it('readers see the old object until a write is complete', async () => {
      await put('a', 'before')
      const seen: (string | undefined)[] = []
      const content = makeContent(['af', 'ter'], async () => {
        seen.push(await read('a'), await read('new'))
      })
      await store.putObject('photos', 'a', content, { metadata })

      expect(seen).toEqual(['before', undefined, 'before', undefined, 'before', undefined])
      expect(await read('a')).toBe('after')
    })

    it.each([
      ['before its first byte', []],
      ['after a part of its bytes', ['half']],
    ])('content that throws %s leaves no trace', async (_when, pieces) => {
      const before = await put('a', 'before')
      for (const key of ['a', 'b']) {
        const broken: ObjectContent = {
          ...makeContent([]),
          chunks: (async function* () {
            yield* pieces.map((piece) => Buffer.from(piece))
            throw new AwsError('IncompleteBody', 'cut')
          })(),
        }
        const writing = store.putObject('photos', key, broken, { metadata })
        await expect(writing).rejects.toMatchObject({ code: 'IncompleteBody' })
      }
      expect(await store.statObject('photos', 'a')).toEqual(before)
      expect(await listKeys()).toEqual(['a'])
      expect(await (await opened.reopen()).statObject('photos', 'a')).toMatchObject({
        etag: before.etag,
      })
    })

    it('a process that dies leaves no trace of an unfinished write', async () => {
      await put('a', 'before')
      let writing: Promise<unknown> = Promise.resolve()
      let die = (_error: Error): void => {}
      const isReached = new Promise<void>((reached) => {
        const stop = (): Promise<void> => {
          reached()
          return new Promise((_, reject) => (die = reject))
        }
        writing = store.putObject('photos', 'a', makeContent(['half'], stop), { metadata })
      })
      await isReached

      const next = await opened.reopen()
      expect(await read('a', next)).toBe('before')
      expect((await next.listObjects('photos', list)).entries).toHaveLength(1)
      // this process lives on: its open files are closed
      die(new Error('dead'))
      await expect(writing).rejects.toThrow('dead')
    })
  })

  describe('a precondition', () => {
    it('a precondition gets the current object, and may refuse the write', async () => {
      const asked: (ObjectInfo | undefined)[] = []
      const note = (current: ObjectInfo | undefined): void => void asked.push(current)
      const first = await put('a', 'one', { precondition: note })
      await put('a', 'two', { precondition: note })
      expect(asked).toEqual([undefined, first])

      const refuse = (): void => {
        throw new AwsError('PreconditionFailed', 'no')
      }
      await expect(put('a', 'three', { precondition: refuse })).rejects.toMatchObject({
        code: 'PreconditionFailed',
      })
      expect(await read('a')).toBe('two')
    })

    it('a precondition is atomic between concurrent writers: one creates the object, and no update is lost', async () => {
      const onlyIfAbsent = (current: ObjectInfo | undefined): void => {
        if (current) throw new AwsError('PreconditionFailed', 'there')
      }
      const writers = Array.from({ length: 8 }, (_, n) =>
        put('a', String(n), { precondition: onlyIfAbsent }),
      )
      const outcomes = await Promise.allSettled(writers)
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)

      // each writer adds one to what it read, and starts again if another was faster
      await put('count', '0')
      const add = async (): Promise<void> => {
        const object = await store.openObject('photos', 'count')
        const value = object ? Number((await object.readAll()).toString()) : 0
        const precondition = (current: ObjectInfo | undefined): void => {
          if (current?.etag !== object?.info.etag)
            throw new AwsError('PreconditionFailed', 'changed')
        }
        await put('count', String(value + 1), { precondition }).catch(add)
      }
      await Promise.all(Array.from({ length: 6 }, add))
      expect(await read('count')).toBe('6')
    })
  })

  it('an opened object stays readable after it is overwritten or deleted', async () => {
    await put('a', 'before')
    await put('b', 'before')
    const [overwritten, deleted] = await Promise.all([
      store.openObject('photos', 'a'),
      store.openObject('photos', 'b'),
    ])
    await put('a', 'after')
    await store.deleteObject('photos', 'b')

    expect(overwritten?.info.size).toBe(6)
    expect(overwritten && (await overwritten.readAll()).toString()).toBe('before')
    expect((await deleted?.readAll())?.toString()).toBe('before')
  })

  it('any text is a valid key, and different texts are different objects', async () => {
    // empty segments and dots
    const paths = [
      'a',
      'a/',
      'a//b',
      'a/b',
      'a/../b',
      'b',
      '/',
      '//',
      '/a',
      '.',
      '..',
      '../..',
      'a/.',
    ]
    // names that file systems fold, refuse or interpret
    const names = [
      'A',
      'á',
      'a\u0301',
      '\u0000',
      'a\nb',
      'a\\b',
      '..\\b',
      'a:b',
      'con',
      'a.',
      'a ',
      '%61',
    ]
    const others = ['.sts-cli/tmp/a', '../store/photos/a', '😀', 'x'.repeat(1024), 'ü/'.repeat(341)]
    const keys = [...paths, ...names, ...others]
    for (const key of keys) await put(key, `of ${key}`)

    expect(await Promise.all(keys.map((key) => read(key)))).toEqual(keys.map((key) => `of ${key}`))
    expect((await listKeys()).toSorted()).toEqual(keys.toSorted())
    for (const key of keys) await store.deleteObject('photos', key)
    expect(await listKeys()).toEqual([])
    expect((await store.listBuckets()).map(({ name }) => name)).toEqual(['photos'])
  })

  it('a list is in the order of the keys’ bytes', async () => {
    // U+FF21 comes before the emoji in UTF-8, and after it in UTF-16
    const keys = ['a', 'a!', 'a/', 'a/b', 'a0', 'á', '\uff21', '😀', 'A', 'a/b/c', 'a-b']
    for (const key of keys) await put(key, '')
    expect(await listKeys()).toEqual(
      keys.toSorted((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right))),
    )
  })

  it('a list contains an object as soon as it is stored', async () => {
    for (const key of ['b', 'a/x', 'c', 'a/../y']) {
      const info = await put(key, key)
      const { entries } = await store.listObjects('photos', list)
      expect(entries).toContainEqual({ kind: 'object', name: key, info })
    }
  })

  it('every method except hasBucket refuses an unknown bucket with NoSuchBucket', async () => {
    const bucket = 'videos'
    const upload: UploadInfo = { bucket, key: 'a', uploadId: 'x', initiatedAtMs: 0, metadata }
    const asked: Readonly<Record<string, () => Promise<unknown>>> = {
      deleteBucket: () => store.deleteBucket(bucket),
      statObject: () => store.statObject(bucket, 'a'),
      openObject: () => store.openObject(bucket, 'a'),
      putObject: () => store.putObject(bucket, 'a', makeContent(['x']), { metadata }),
      deleteObject: () => store.deleteObject(bucket, 'a'),
      replaceTags: () => store.replaceTags(bucket, 'a', {}),
      listObjects: () => store.listObjects(bucket, list),
      createUpload: () => store.createUpload(bucket, 'a', { metadata }),
      listUploads: () => store.listUploads(bucket),
    }
    const codes = await Promise.all(
      Object.entries(asked).map(async ([name, ask]) => {
        const outcome: unknown = await ask().catch((error: unknown) => error)
        return [name, outcome instanceof AwsError ? outcome.code : outcome]
      }),
    )
    expect(codes).toEqual(Object.keys(asked).map((name) => [name, 'NoSuchBucket']))
    await expect(store.findUpload(bucket, 'a', 'x')).rejects.toBeInstanceOf(AwsError)
    await expect(store.putPart(upload, 1, makeContent(['x']))).rejects.toBeInstanceOf(AwsError)
    expect(await store.hasBucket(bucket)).toBe(false)
    expect(await store.hasBucket('photos')).toBe(true)
  })

  it('a missing object is undefined, and deleting it is not an error', async () => {
    expect(await store.statObject('photos', 'none')).toBeUndefined()
    expect(await store.openObject('photos', 'none')).toBeUndefined()
    expect(await store.replaceTags('photos', 'none', {})).toBe(false)
    await store.deleteObject('photos', 'none')
  })
})
