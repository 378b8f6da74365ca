/** Buffers an upload of unknown length, because the upstream needs the length first. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Payload } from '../body/payload.ts'
import { maxBufferedBytes, type UploadBody } from './upload-body.ts'

/**
 * Buffers the whole upload: a small one in memory, a larger one in a temporary file, which is removed when the body was sent or
 * abandoned.
 *
 * @throws {AwsError} as the payload's iteration; Node's own error if there is no space.
 */
export async function spoolUpload({ chunks, declarations }: Payload): Promise<UploadBody> {
  const sha256 = createHash('sha256')
  // S3 wants a digest with an object lock, which browsers do not send (AWS, "PutObject", Content-MD5).
  const md5 = declarations.checksum === undefined ? createHash('md5') : undefined
  let lengthBytes = 0
  const counted = count(chunks, (chunk) => {
    sha256.update(chunk)
    md5?.update(chunk)
    lengthBytes += chunk.length
  })
  const { buffered, isWhole } = await buffer(counted)
  const body = isWhole ? Buffer.concat(buffered) : await spool(buffered, counted)
  const headers = {
    'content-length': String(lengthBytes),
    ...(md5 ? { 'content-md5': md5.digest('base64') } : {}),
  }
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

async function buffer(
  chunks: AsyncGenerator<Uint8Array>,
): Promise<{ buffered: Uint8Array[]; isWhole: boolean }> {
  const buffered: Uint8Array[] = []
  let bufferedBytes = 0
  while (bufferedBytes <= maxBufferedBytes) {
    const next = await chunks.next()
    if (next.done === true) return { buffered, isWhole: true }
    buffered.push(next.value)
    bufferedBytes += next.value.length
  }
  return { buffered, isWhole: false }
}

async function spool(
  buffered: readonly Uint8Array[],
  chunks: AsyncGenerator<Uint8Array>,
): Promise<UploadBody['body']> {
  // mkdtemp creates the folder with mode 0700.
  const folder = await mkdtemp(join(tmpdir(), 'sts-cli-form-'))
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true })
  try {
    const path = join(folder, 'file')
    const file = await open(path, 'wx', 0o600)
    try {
      for (const chunk of buffered) await file.writeFile(chunk)
      for await (const chunk of chunks) await file.writeFile(chunk)
    } finally {
      await file.close()
    }
    const body = createReadStream(path, { highWaterMark: 256 * 1024 })
    // What cannot be removed stays in the system's folder of temporary files.
    body.once('close', () => void remove().catch(() => {}))
    return body
  } catch (error) {
    await remove()
    throw error
  }
}
