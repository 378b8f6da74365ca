import { readlinkSync, realpathSync } from 'node:fs'
import path from 'node:path'

/**
 * The file that a path stands for: links are followed, one to a file that is not there yet too, so that replacing the file leaves the
 * link as it is. @throws Node's own error for links that lead in a circle.
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
    // No link: nothing stands there.
    if (error instanceof Error && 'code' in error && error.code === 'ELOOP') throw error
    return file
  }
}
