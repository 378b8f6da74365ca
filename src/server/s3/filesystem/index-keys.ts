/**
 * Keys of the store's index. Their first byte is the kind of entry:
 *
 *   `o` BUCKET 0 KEY         the head of a key: its current object (see `records.ts`)
 *   `v` BUCKET 0 KEY' SLOT   a version that is not the current object, or a delete marker
 *   `r` BUCKET 0 KEY SEQUENCE what a crash between a commit and the change of a file leaves to be done again
 *   `d` BUCKET 0 NAME        a setting's document
 *
 * KEY' writes each NUL as 0 255 and ends with 0 1, so that versions are in the order of their keys' bytes, and those of one key together.
 */

type Kind = 'o' | 'v' | 'r' | 'd'

/** Length of the last part of a version's key, which orders the versions of a key, the newest first. */
export const slotChars = 32

export function headKey(bucket: string, key: string): Buffer {
  return Buffer.from(`o${bucket}\0${key}`)
}

/** @param sequence Of the key's head. */
export function redoKey(bucket: string, key: string, sequence: number): Buffer {
  return Buffer.from(`r${bucket}\0${key}${String(sequence).padStart(16, '0')}`)
}

export function documentKey(bucket: string, name: string): Buffer {
  return Buffer.from(`d${bucket}\0${name}`)
}

/** @param slot Empty for the place before all versions of the key. */
export function versionKey(bucket: string, key: string, slot: string): Buffer {
  return Buffer.concat([versionPrefix(bucket, key), Buffer.from(`\0\x01${slot}`)])
}

/** Returns where the versions begin of keys that begin with `keyPrefix`. */
export function versionPrefix(bucket: string, keyPrefix: string): Buffer {
  // UTF-8 has no byte 255, so each one comes from a NUL.
  const escaped = Buffer.from(keyPrefix).toString('latin1').replaceAll('\0', '\0\xff')
  return Buffer.concat([Buffer.from(`v${bucket}\0`), Buffer.from(escaped, 'latin1')])
}

/** Returns the key and the slot of a version's key. */
export function readVersionKey(bucket: string, key: Buffer): { key: string; slot: string } {
  const text = key.subarray(bucket.length + 2).toString('latin1')
  const escaped = text.slice(0, text.length - slotChars - 2)
  const bytes = Buffer.from(escaped.replaceAll('\0\xff', '\0'), 'latin1')
  return { key: bytes.toString(), slot: text.slice(-slotChars) }
}

/** Returns the key of an entry of another kind. */
export function readKey(bucket: string, key: Buffer): string {
  return key.subarray(bucket.length + 2).toString()
}

/** Returns the range of all entries of a kind, of one bucket or of all. */
export function wholeRange(kind: Kind, bucket?: string): { start: Buffer; end: Buffer } {
  const start = Buffer.from(bucket === undefined ? kind : `${kind}${bucket}\0`)
  return { start, end: afterPrefix(start) }
}

/** Returns the first key after all that begin with `prefix`, whose last byte is below 255. */
export function afterPrefix(prefix: Buffer): Buffer {
  let length = prefix.length
  while (length > 0 && prefix[length - 1] === 0xff) length -= 1
  const end = Buffer.from(prefix.subarray(0, length))
  end[length - 1] = (end[length - 1] ?? 0) + 1
  return end
}

/** Splits the bucket from the rest of a key of any kind. */
export function readBucket(key: Buffer): string {
  return key.subarray(1, key.indexOf(0)).toString()
}
