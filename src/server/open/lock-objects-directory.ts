import type { ServerOptions } from '../options/server-options.ts'
import { lockDirectory } from '../s3/filesystem/directory-lock.ts'
import type { Closers } from './closers.ts'

/**
 * Locks the directory that the options name, before anything else is opened: two servers in one directory would cache each other's
 * metadata. The primary locks it for all workers. A temporary directory needs no lock, as no other server knows its name.
 *
 * @throws {StsCliError} As `lockDirectory`.
 */
export async function lockObjectsDirectory(
  { objects, peers }: ServerOptions,
  closers: Closers,
): Promise<void> {
  if (objects.kind !== 'directory' || objects.directory === undefined) return
  if (peers === undefined) closers.push(await lockDirectory(objects.directory))
}
