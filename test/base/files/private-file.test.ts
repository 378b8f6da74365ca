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

describe('a private file', () => {
  it('is 0600 whatever was there before, and nothing lies beside it', async () => {
    await writeFile(file, 'old', { mode: 0o644 })
    writePrivateFile(file, 'new ü')
    expect(await readFile(file, 'utf8')).toBe('new ü')
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(await readdir(folder)).toEqual(['secret'])
  })

  it('takes the place of a link and leaves the link’s target alone', async () => {
    const target = path.join(folder, 'target')
    await writeFile(target, 'kept')
    await symlink(target, file)
    writePrivateFile(file, 'new')
    expect(await readFile(target, 'utf8')).toBe('kept')
    expect(await readFile(file, 'utf8')).toBe('new')
  })

  it('that cannot be put in place leaves nothing behind', async () => {
    await mkdir(path.join(file, 'full'), { recursive: true })
    expect(() => writePrivateFile(file, 'new')).toThrow(/EISDIR|ENOTEMPTY/)
    expect(await readdir(folder)).toEqual(['secret'])
    expect(() => writePrivateFile(path.join(folder, 'no', 'such'), 'x')).toThrow(/ENOENT/)
  })

  it('is read when it is ours, private and short enough', async () => {
    writePrivateFile(file, 'text')
    expect(readPrivateFile(file, 4)).toBe('text')
    expect(readPrivateFile(file, 3)).toBeUndefined()
    await chmod(file, 0o640)
    expect(readPrivateFile(file, 4)).toBeUndefined()
  })

  it('is not read through a link, from a folder, or where there is none', async () => {
    writePrivateFile(file, 'text')
    const link = path.join(folder, 'link')
    await symlink(file, link)
    expect(readPrivateFile(link, 100)).toBeUndefined()
    expect(readPrivateFile(folder, 100)).toBeUndefined()
    expect(readPrivateFile(path.join(folder, 'none'), 100)).toBeUndefined()
  })

  it('is removed once', () => {
    writePrivateFile(file, '')
    expect([removeQuietly(file), removeQuietly(file)]).toEqual([true, false])
  })
})

describe('a private folder', () => {
  it('is made with those that it lies in, 0700, and may be there already', async () => {
    const deep = path.join(folder, 'a', 'b')
    makePrivateFolder(deep)
    makePrivateFolder(deep)
    for (const made of [deep, path.dirname(deep)])
      expect((await stat(made)).mode & 0o777).toBe(0o700)
    expect((await readdir(folder)).toSorted()).toEqual(['a'])
  })

  it('is not made where a file is in the way, at its place or above', async () => {
    await writeFile(file, 'kept')
    expect(() => makePrivateFolder(file)).toThrow(/EEXIST/)
    expect(() => makePrivateFolder(path.join(file, 'a', 'b'))).toThrow(/ENOTDIR/)
    expect(await readFile(file, 'utf8')).toBe('kept')
  })
})

describe('a file that the user named', () => {
  it('is made, or replaced whole', async () => {
    expect(writeNamedFile(file, 'one')).toBe(true)
    expect(writeNamedFile(file, 'two')).toBe(true)
    expect(await readFile(file, 'utf8')).toBe('two')
    expect((await stat(file)).mode & 0o777).toBe(0o600)
  })

  it('is written into when it is a pipe', async () => {
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

  it('is refused when it is a folder', async () => {
    expect(() => writeNamedFile(folder, 'x')).toThrow(/EISDIR/)
  })
})
