import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Closers } from './closers.ts'

/** Makes a directory for objects that is removed when the server stops. */
export async function makeTemporaryDirectory(closers: Closers): Promise<string> {
  const temporary = await mkdtemp(path.join(tmpdir(), 'sts-cli-serve-'))
  // An interrupted upload may still create a file there while the others are being removed.
  closers.push(() => rm(temporary, { recursive: true, force: true, maxRetries: 5 }))
  return temporary
}
