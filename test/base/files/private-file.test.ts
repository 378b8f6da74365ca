import { spawnSync } from 'node:child_process'
import { constants } from 'node:fs'
import { chmod, mkdir, open, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  makePrivateFolder,
  readPrivateFile,
  removeQuietly,
  writeNamedFile,
  writePrivateFile,
} from '../../../src/base/files/private-file.ts'
import { makeFolder } from '../../support/commands/harness.ts'

let folder: string
let file: string

beforeEach(async () => {
  folder = await makeFolder()
  file = path.join(folder, 'secret')
})

describe('private file', () => {
  it('writePrivateFile() sets the mode 0600 and leaves no other file', async () => {
    await writeFile(file, 'old', { mode: 0o644 })
    writePrivateFile(file, 'new ü')
    expect(await readFile(file, 'utf8')).toBe('new ü')
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(await readdir(folder)).toEqual(['secret'])
  })

  it('writePrivateFile() replaces a symbolic link and leaves its target unchanged', async () => {
    const target = path.join(folder, 'target')
    await writeFile(target, 'kept')
    await symlink(target, file)
    writePrivateFile(file, 'new')
    expect(await readFile(target, 'utf8')).toBe('kept')
    expect(await readFile(file, 'utf8')).toBe('new')
  })

  it('writePrivateFile() leaves no temporary file when it fails', async () => {
    await mkdir(path.join(file, 'full'), { recursive: true })
    expect(() => writePrivateFile(file, 'new')).toThrow(/EISDIR|ENOTEMPTY/)
    expect(await readdir(folder)).toEqual(['secret'])
    expect(() => writePrivateFile(path.join(folder, 'no', 'such'), 'x')).toThrow(/ENOENT/)
  })

  it('readPrivateFile() reads a file that is private and short enough', async () => {
    writePrivateFile(file, 'text')
    expect(readPrivateFile(file, 4)).toBe('text')
    expect(readPrivateFile(file, 3)).toBeUndefined()
    await chmod(file, 0o640)
    expect(readPrivateFile(file, 4)).toBeUndefined()
  })

  it('readPrivateFile() reads no link, no folder and no missing file', async () => {
    writePrivateFile(file, 'text')
    const link = path.join(folder, 'link')
    await symlink(file, link)
    expect(readPrivateFile(link, 100)).toBeUndefined()
    expect(readPrivateFile(folder, 100)).toBeUndefined()
    expect(readPrivateFile(path.join(folder, 'none'), 100)).toBeUndefined()
  })

  it('removeQuietly() removes a file once', () => {
    writePrivateFile(file, '')
    expect([removeQuietly(file), removeQuietly(file)]).toEqual([true, false])
  })
})

describe('private folder', () => {
  it('makePrivateFolder() creates the folder and its parents with 0700, and may be repeated', async () => {
    const deep = path.join(folder, 'a', 'b')
    makePrivateFolder(deep)
    makePrivateFolder(deep)
    for (const made of [deep, path.dirname(deep)])
      expect((await stat(made)).mode & 0o777).toBe(0o700)
    expect((await readdir(folder)).toSorted()).toEqual(['a'])
  })

  it('makePrivateFolder() fails when a file is at its place or above', async () => {
    await writeFile(file, 'kept')
    expect(() => makePrivateFolder(file)).toThrow(/EEXIST/)
    expect(() => makePrivateFolder(path.join(file, 'a', 'b'))).toThrow(/ENOTDIR/)
    expect(await readFile(file, 'utf8')).toBe('kept')
  })
})

describe('named file', () => {
  it('writeNamedFile() creates a file or replaces it completely', async () => {
    expect(writeNamedFile(file, 'one')).toBe(true)
    expect(writeNamedFile(file, 'two')).toBe(true)
    expect(await readFile(file, 'utf8')).toBe('two')
    expect((await stat(file)).mode & 0o777).toBe(0o600)
  })

  it('writeNamedFile() writes into a pipe', async () => {
    expect(spawnSync('mkfifo', [file]).status).toBe(0)
    const reader = await open(file, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      expect(writeNamedFile(file, 'through')).toBe(false)
      expect((await reader.read({ buffer: Buffer.alloc(100) })).bytesRead).toBe(7)
      expect((await stat(file)).isFIFO()).toBe(true)
    } finally {
      await reader.close()
    }
  })

  it('writeNamedFile() refuses a folder', async () => {
    expect(() => writeNamedFile(folder, 'x')).toThrow(/EISDIR/)
  })
})
