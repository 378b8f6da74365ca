/** An open file by its descriptor: small reads and writes are made at once, large ones and syncs in Node's thread pool. */
import * as fs from 'node:fs'
import type { BigIntStats } from 'node:fs'
import type { StoreFile } from './file-system.ts'
import type { Pace } from './pace.ts'

/** Bytes up to which a read or a write is made at once. */
const smallBytes = 256 * 1024

type Done<T> = (error: Error | null, result?: T) => void

/** A file that is closed when the calls that were begun have ended, because another file may get its descriptor then. */
export class FastFile implements StoreFile {
  readonly #fd: number
  readonly #pace: Pace
  #pending = 0
  #isClosing = false
  #finish: () => void = () => {}

  constructor(fd: number, pace: Pace) {
    this.#fd = fd
    this.#pace = pace
  }

  async stat(options: { readonly bigint: true }): Promise<BigIntStats> {
    return this.statAtOnce(options)
  }

  /** As `stat`, without a promise. */
  statAtOnce(options: { readonly bigint: true } = { bigint: true }): BigIntStats {
    this.#requireOpen()
    return this.#pace.time(() => fs.fstatSync(this.#fd, options))
  }

  async utimes(atimeSeconds: number, mtimeSeconds: number): Promise<void> {
    this.#requireOpen()
    fs.futimesSync(this.#fd, atimeSeconds, mtimeSeconds)
  }

  async read(
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesRead: number }> {
    this.#requireOpen()
    const fd = this.#fd
    if (length <= smallBytes && !this.#pace.isSlow()) {
      const read = (): number => fs.readSync(fd, buffer, offset, length, position)
      return { bytesRead: this.#pace.time(read) }
    }
    const bytesRead = await this.#wait<number>((done) => {
      fs.read(fd, buffer, offset, length, position, done)
    })
    return { bytesRead }
  }

  async write(
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesWritten: number }> {
    this.#requireOpen()
    const bytesWritten = await this.#wait<number>((done) => {
      fs.write(this.#fd, buffer, offset, length, position, done)
    })
    return { bytesWritten }
  }

  async writev(
    buffers: readonly Uint8Array[],
    position?: number,
  ): Promise<{ readonly bytesWritten: number }> {
    this.#requireOpen()
    const bytes = buffers.reduce((sum, { length }) => sum + length, 0)
    if (bytes <= smallBytes && !this.#pace.isSlow())
      return { bytesWritten: fs.writevSync(this.#fd, buffers, position) }
    const bytesWritten = await this.#wait<number>((done) => {
      fs.writev(this.#fd, buffers, position ?? null, done)
    })
    return { bytesWritten }
  }

  async writeFile(data: string | Uint8Array): Promise<void> {
    this.#requireOpen()
    await this.#wait((done) => fs.writeFile(this.#fd, data, done))
  }

  async sync(): Promise<void> {
    this.#requireOpen()
    await this.#wait((done) => fs.fsync(this.#fd, done))
  }

  async datasync(): Promise<void> {
    this.#requireOpen()
    await this.#wait((done) => fs.fdatasync(this.#fd, done))
  }

  async close(): Promise<void> {
    if (this.#isClosing) return
    this.#isClosing = true
    if (this.#pending > 0) await new Promise<void>((resolve) => (this.#finish = resolve))
    fs.closeSync(this.#fd)
  }

  #requireOpen(): void {
    if (!this.#isClosing) return
    throw Object.assign(new Error('EBADF: the file is closed'), { code: 'EBADF' })
  }

  #wait<T>(start: (done: Done<T>) => void): Promise<T> {
    this.#pending += 1
    return new Promise<T>((resolve, reject) => {
      start((error, result) => {
        this.#pending -= 1
        if (this.#isClosing && this.#pending === 0) this.#finish()
        if (error) reject(error)
        else resolve(result as T)
      })
    })
  }
}
