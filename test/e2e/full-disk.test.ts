/** The index of a store cannot grow: requests are refused, nothing is lost, and the process goes on. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const writer = path.join(import.meta.dirname, '../support/server/full-writer.mjs')

it.skipIf(process.platform === 'win32')(
  'a write that the index has no room for is refused, and the store works on',
  async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'sts-cli-full-'))
    try {
      // 2 MiB a file. Ignored, the signal leaves an error of the write.
      const script = 'trap "" XFSZ; ulimit -f 2048; exec "$0" "$1" "$2"'
      const argv = ['-c', script, process.execPath, writer, folder]
      const { stdout } = await promisify(execFile)('bash', argv)
      const { kept, ...found } = JSON.parse(stdout) as { kept: number }
      expect(kept).toBeGreaterThan(5)
      expect(found).toEqual({
        refusal: 'XMinioBackendDown',
        missing: [],
        isFailedThere: false,
        later: 'done',
        at: 'the index of objects',
      })
    } finally {
      await rm(folder, { recursive: true })
    }
  },
  60_000,
)
