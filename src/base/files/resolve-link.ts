import { readlinkSync, realpathSync } from 'node:fs'
import path from 'node:path'

/**
 * Returns the file to which a path leads: links are followed, even to a missing file, so that replacing the file keeps the
 * link. @throws Node's own error for links that form a loop.
 */
export function resolveLink(file: string): string {
  try {
    return realpathSync(file)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
  }
  try {
    return resolveLink(path.resolve(path.dirname(file), readlinkSync(file)))
  } catch (error) {
    // Not a link, or nothing exists there.
    if (error instanceof Error && 'code' in error && error.code === 'ELOOP') throw error
    return file
  }
}
