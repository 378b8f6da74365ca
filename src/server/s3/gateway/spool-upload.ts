/** An upload of unknown length on its way to an upstream that must be told the length first. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Payload } from '../body/payload.ts'
import { maxWholeBytes, type UploadBody } from './upload-body.ts'

/**
 * Holds the upload until its end is known: a small one in memory, a longer one in a file of our own, which goes when the body has been
 * sent or given up.
 *
 * @throws {AwsError} as the payload's iteration; Node's own error where there is no room.
 */
export async function spoolUpload({ chunks }: Payload): Promise<UploadBody> {
  const sha256 = createHash('sha256')
  let lengthBytes = 0
  const counted = count(chunks, (chunk) => {
    sha256.update(chunk)
    lengthBytes += chunk.length
  })
  const { held, isWhole } = await hold(counted)
  const body = isWhole ? Buffer.concat(held) : await spool(held, counted)
  const headers = { 'content-length': String(lengthBytes) }
  return { headers, payloadHash: sha256.digest('hex'), body }
}

async function* count(
  chunks: AsyncIterable<Uint8Array>,
  note: (chunk: Uint8Array) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of chunks) {
    note(chunk)
    yield chunk
  }
}

async function hold(
  chunks: AsyncGenerator<Uint8Array>,
): Promise<{ held: Uint8Array[]; isWhole: boolean }> {
  const held: Uint8Array[] = []
  let heldBytes = 0
  while (heldBytes <= maxWholeBytes) {
    const next = await chunks.next()
    if (next.done === true) return { held, isWhole: true }
    held.push(next.value)
    heldBytes += next.value.length
  }
  return { held, isWhole: false }
}

async function spool(
  held: readonly Uint8Array[],
  chunks: AsyncGenerator<Uint8Array>,
): Promise<UploadBody['body']> {
  // mkdtemp's folder is 0700
  const folder = await mkdtemp(join(tmpdir(), 'sts-cli-form-'))
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true })
  try {
    const path = join(folder, 'file')
    const file = await open(path, 'wx', 0o600)
    try {
      for (const chunk of held) await file.writeFile(chunk)
      for await (const chunk of chunks) await file.writeFile(chunk)
    } finally {
      await file.close()
    }
    const body = createReadStream(path, { highWaterMark: 256 * 1024 })
    // what cannot be removed lies in the system's own folder for such things
    body.once('close', () => void remove().catch(() => {}))
    return body
  } catch (error) {
    await remove()
    throw error
  }
}
