/**
 * Writes to a store whose files cannot grow beyond a limit of the process (`ulimit -f`), as on a full disk: `node full-writer.mjs FOLDER`. Prints
 * what became of it as JSON.
 */
import { openFilesystemStore } from '../../../dist/lib/server/s3/filesystem/open-filesystem-store.js'

const [folder = ''] = process.argv.slice(2)
const logged = []
const note = (facts) => void logged.push(facts)
const log = { info() {}, warn: note, error: note }
const store = await openFilesystemStore(folder, { nowMs: () => Date.now(), isOnlyOne: true, log })
await store.createBucket('photos')

async function put(key, bytes) {
  const chunks = (async function* () {
    yield Buffer.alloc(bytes, 'x')
  })()
  const metadata = { contentType: 'text/plain', headers: {}, userMetadata: {} }
  try {
    await store.putObject('photos', key, { chunks, describe: () => ({ etag: 'e' }) }, { metadata })
    return 'done'
  } catch (error) {
    return error.code
  }
}

const kept = []
let refusal
for (let at = 0; refusal === undefined && at < 1000; at += 1) {
  const outcome = await put(`key-${at}`, 60_000)
  if (outcome === 'done') kept.push(`key-${at}`)
  else refusal = outcome
}
const missing = []
for (const key of kept) if ((await store.statObject('photos', key)) === undefined) missing.push(key)
const failed = await store.statObject('photos', `key-${kept.length}`)
for (const key of kept) await store.deleteObject('photos', key)
const later = await put('later', 100)
await store.close()
process.stdout.write(
  JSON.stringify({
    refusal,
    kept: kept.length,
    missing,
    isFailedThere: failed !== undefined,
    later,
    at: logged[0]?.at,
  }),
)
