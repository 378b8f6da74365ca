/** A log line that cannot be written must not end the server. */
import { closeSync, openSync } from 'node:fs'
import { expect, it } from 'vitest'
import { openLog } from '../../src/base/log.ts'

// Only Linux has a device that is always full.
it.runIf(process.platform === 'linux')('a log on a full disk throws no error', () => {
  const fileDescriptor = openSync('/dev/full', 'w')
  try {
    const log = openLog('info', fileDescriptor)
    for (let line = 0; line < 3; line += 1)
      expect(() => log.info({ line }, 'a request')).not.toThrow()
  } finally {
    closeSync(fileDescriptor)
  }
})
