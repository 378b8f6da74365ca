/**
 * What each key may hold. A write that was acknowledged is the only truth; one whose answer never came leaves two: the old object or the new
 * one, each of them whole.
 */
import { createHash } from 'node:crypto'
import { makeBytes } from './random.mjs'

/** The version of a key that holds nothing. */
const absent = { isAbsent: true, text: 'nothing' }

export function createLedger(buckets, keysPerBucket) {
  const entries = buckets.flatMap((bucket) =>
    Array.from({ length: keysPerBucket }, (_, index) => createEntry(bucket, nameKey(index))),
  )
  return {
    entries,
    /** Entries that surely hold an object, and of which nobody is writing one. */
    settled: () => entries.filter((entry) => !entry.isLocked && isPresent(entry)),
  }
}

/** Flat and nested names, and names that must be encoded on their way. */
function nameKey(index) {
  const names = ['plain', 'folder/deep/er', 'with space', 'plus+and&', 'ünï/çødé', 'a=b;c@d', '%41']
  return `${names[index % names.length]}-${index}`
}

function createEntry(bucket, key) {
  return { bucket, key, possible: [absent], log: [], changes: 0, isLocked: false }
}

/** True when the key holds one known object. */
export function isPresent({ possible }) {
  return possible.length === 1 && !possible[0].isAbsent
}

/** Takes an entry for a writer; false when another has it. */
export function tryLock(entry) {
  if (entry.isLocked) return false
  entry.isLocked = true
  return true
}

export function unlock(entry) {
  entry.isLocked = false
}

/** An object of these bytes. `etags` are those it may have. */
export function describeObject({ seed, size, metadata = {}, tags = {}, etags }) {
  const bytes = makeBytes(seed, size)
  const digest = createHash('sha256').update(bytes).digest('hex')
  const md5 = createHash('md5').update(bytes).digest('hex')
  const text = `${size} bytes of seed ${seed}`
  return { isAbsent: false, seed, size, digest, etags: etags ?? [md5], metadata, tags, text }
}

/**
 * Notes that a write is on its way. Call one of the results: `acknowledge` when the server said that it was done, `discard` when it cannot
 * have been done. Neither: both states stay possible.
 */
export function beginWrite(entry, version = absent) {
  entry.possible.push(version)
  entry.log.push(version)
  entry.changes += 1
  return {
    acknowledge() {
      entry.possible = [version]
      entry.changes += 1
    },
    discard() {
      entry.possible = entry.possible.filter((other) => other !== version)
    },
  }
}

/** What a read that begins now may see, together with what is written until it ends. */
export function beginRead(entry) {
  const { changes } = entry
  const before = entry.possible
  const logLength = entry.log.length
  return {
    isUnchanged: () => entry.changes === changes && !entry.isLocked,
    /** Nothing, when one of the possible versions was seen; else a sentence. `fits` compares one. */
    judge(fits, seen) {
      const candidates = [...new Set([...before, ...entry.possible, ...entry.log.slice(logLength)])]
      const found = candidates.filter(fits)
      if (found.length === 0)
        return `${entry.bucket}/${entry.key} was ${seen}; it may be ${candidates.map(({ text }) => text).join(' or ')}`
      // an answer that never came has been found out
      if (entry.possible.length > 1 && entry.changes === changes && !entry.isLocked)
        entry.possible = entry.possible.filter((version) => found.includes(version))
      return undefined
    },
  }
}

/** Whether an answer to GET or HEAD is this version. Without `body` its bytes are not compared. */
export function fitsAnswer(version, { status, headers }, body) {
  if (version.isAbsent) return status === 404
  if (status !== 200 || Number(headers['content-length']) !== version.size) return false
  if (!version.etags.includes(headers.etag?.replaceAll('"', ''))) return false
  const names = Object.keys(headers).filter((name) => name.startsWith('x-amz-meta-'))
  if (names.length !== Object.keys(version.metadata).length) return false
  if (names.some((name) => headers[name] !== version.metadata[name])) return false
  if (Number(headers['x-amz-tagging-count'] ?? 0) !== Object.keys(version.tags).length) return false
  if (body === undefined) return true
  return createHash('sha256').update(body).digest('hex') === version.digest
}

/** Whether the answer to GET ?tagging is this version's. */
export function fitsTags(version, { status }, body) {
  if (version.isAbsent) return status === 404
  const found = [...body.toString().matchAll(/<Key>([^<]*)<\/Key><Value>([^<]*)<\/Value>/g)]
  const tags = Object.fromEntries(found.map(([, key, value]) => [key, value]))
  const names = Object.keys(version.tags)
  return (
    status === 200 &&
    names.length === found.length &&
    names.every((name) => tags[name] === version.tags[name])
  )
}
