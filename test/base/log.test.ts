/** One log line that could not be written ended the server: whoever filled the disk of its log stopped it. */
import { closeSync, openSync } from 'node:fs'
import { expect, it } from 'vitest'
import { openLog } from '../../src/base/log.ts'

// Linux alone has a device that is always full.
it.runIf(process.platform === 'linux')('a log on a full disk throws at nobody', () => {
  const fileDescriptor = openSync('/dev/full', 'w')
  try {
    const log = openLog('info', fileDescriptor)
    for (let line = 0; line < 3; line += 1)
      expect(() => log.info({ line }, 'a request')).not.toThrow()
  } finally {
    closeSync(fileDescriptor)
  }
})
