import { access, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, it } from 'vitest'
import type { Closers } from '../../../../src/server/open/closers.ts'
import { makeTemporaryDirectory } from '../../../../src/server/open/make-temporary-directory.ts'

it('the temporary directory is removed even if an aborted upload is still being written', async () => {
  const closers: Closers = []
  const directory = await makeTemporaryDirectory(closers)
  // Nothing waits for the writes of an upload that the listener aborted.
  let isOver = false
  const write = async (index: number): Promise<void> => {
    if (index >= 400 || isOver) return
    await writeFile(path.join(directory, `part-${index}`), 'x').catch(() => (isOver = true))
    await write(index + 1)
  }
  const writing = Promise.all([write(0), write(100), write(200)])
  await Promise.all(closers.map((close) => close()))
  await writing
  await expect(access(directory)).rejects.toMatchObject({ code: 'ENOENT' })
})
