import { expect, it } from 'vitest'
import { run } from '../../src/main.ts'
import { createIo } from '../support/commands/harness.ts'

it.each(['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO'])(
  'an output that fails with %s exits 74 and is not reported as a bug',
  async (code) => {
    const io = createIo()
    const failing = {
      ...io,
      writeStdout() {
        throw Object.assign(new Error(code), { code })
      },
    }
    expect(await run(['--version'], failing)).toBe(74)
    expect(io.err.join('')).toBe('error: the output cannot be written\n')
  },
)
