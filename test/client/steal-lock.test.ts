import { spawnSync } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import path from 'node:path'
import { expect, it, vi } from 'vitest'
import { withLock } from '../../src/client/with-lock.ts'
import { createIo, makeFolder } from '../support/commands/harness.ts'

const late = vi.hoisted(() => ({ before: undefined as (() => void) | undefined }))

/** Runs a callback between the check of a lock and its takeover. */
vi.mock('../../src/base/process/is-alive.ts', () => ({
  isAlive: () => {
    late.before?.()
    return false
  },
}))

it('a lock that another process created during a takeover is left to that process', async () => {
  const directory = path.join(await makeFolder(), 'cache')
  const file = path.join(directory, 'default.lock')
  await mkdir(directory)
  await writeFile(file, `${spawnSync('true').pid} ${hostname()} dead\n`)
  const { writeFileSync } = await import('node:fs')
  const living = '1 another-host living\n'
  late.before = () => writeFileSync(file, living)
  const options = { directory, name: 'default', timeoutMs: 100, io: createIo() }
  await expect(withLock(options, async () => 'two at once')).rejects.toThrow('holds the lock')
  expect(await readFile(file, 'utf8')).toBe(living)
  expect(await readdir(directory)).toEqual(['default.lock'])
})
