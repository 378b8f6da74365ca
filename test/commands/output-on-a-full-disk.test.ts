import { expect, it } from 'vitest'
import { run } from '../../src/main.ts'
import { createIo } from '../support/commands/harness.ts'

it.each(['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO'])(
  'output that meets %s is 74, and no bug of ours',
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
