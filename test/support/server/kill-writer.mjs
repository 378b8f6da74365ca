/**
 * A process that writes to a store until it is killed: `node kill-writer.mjs FOLDER SEED`. First it prints what each key holds, then each change
 * before it begins and after it ended, one JSON line each. It writes synchronously, so that no line is lost with the process.
 */
import { createHash } from 'node:crypto'
import { writeSync } from 'node:fs'
import { openFilesystemStore } from '../../../dist/lib/server/s3/filesystem/open-filesystem-store.js'

const [folder = '', seed = '0'] = process.argv.slice(2)
const [plain, versioned] = ['plain', 'versioned']
const keys = ['a', 'a/b', 'c//d', 'e']
const metadata = (text) => ({
  contentType: 'text/plain',
  headers: {},
  userMetadata: { of: text.slice(0, 20) },
})
const say = (line) => writeSync(1, `${JSON.stringify(line)}\n`)

/** A small generator of numbers (mulberry32): a round can be repeated by its seed. */
let state = Number(seed)
function random(below) {
  state = (state + 0x6d2b79f5) | 0
  let t = Math.imul(state ^ (state >>> 15), 1 | state)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) % below
}

const store = await openFilesystemStore(folder, { nowMs: () => Date.now(), isOnlyOne: true })
for (const bucket of [plain, versioned]) {
  if (!(await store.hasBucket(bucket))) await store.createBucket(bucket)
}
await store.writeBucketDocument(versioned, 'versioning', 'Enabled')

async function read(bucket, key, versionId) {
  const object = await store.openObject(bucket, key, versionId)
  if (!object) return null
  const text = (await object.readAll()).toString()
  const etag = createHash('md5').update(text).digest('hex')
  if (object.info.etag !== etag) return `torn: the ETag is of other bytes (${text.length} bytes)`
  const { of } = object.info.metadata.userMetadata
  return of === text.slice(0, 20) ? text : `torn: the metadata is of another object`
}

/** Says what a client finds: the object of each key, and the versions from the newest on. */
async function report() {
  const found = {}
  for (const key of keys) found[`plain ${key}`] = await read(plain, key)
  const options = { prefix: '', delimiter: '', keyMarker: '', limit: 100_000 }
  const { entries } = await store.listVersions(versioned, options)
  for (const key of keys) {
    const versions = entries.filter((entry) => entry.name === key)
    found[`versioned ${key}`] = await Promise.all(
      versions.map((entry) =>
        entry.kind === 'marker' ? null : read(versioned, key, entry.info.versionId),
      ),
    )
  }
  say({ found })
}
await report()

async function write(writer) {
  // Each writer has a key of its own in each bucket, so that the order of its changes is known.
  const key = keys[writer]
  for (let count = 0; ; count += 1) {
    const bucket = random(2) === 0 ? plain : versioned
    const isDelete = random(4) === 0
    const large = random(8) === 0 ? 'x'.repeat(150_000) : ''
    const text = isDelete ? null : `${seed} ${writer} ${count} ${large}`
    say({ begin: `${bucket} ${key}`, text })
    if (text === null) await store.deleteObject(bucket, key)
    else {
      const etag = createHash('md5').update(text).digest('hex')
      const chunks = (async function* () {
        yield Buffer.from(text)
      })()
      await store.putObject(
        bucket,
        key,
        { chunks, describe: () => ({ etag }) },
        { metadata: metadata(text) },
      )
    }
    say({ end: `${bucket} ${key}`, text })
  }
}
await Promise.all(keys.map((_, writer) => write(writer)))
