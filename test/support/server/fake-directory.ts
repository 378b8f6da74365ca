/** A tiny LDAP server on 127.0.0.1: it binds by name and password, searches by a function, records its requests, and misbehaves on demand. */
import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, TLSSocket } from 'node:tls'
import type { AddressInfo } from 'node:net'
import { BerReader, BerWriter, FilterParser } from 'ldapts'
import { onTestFinished } from 'vitest'

export interface Script {
  /** Distinguished name → password. */
  readonly accounts: Readonly<Record<string, string>>
  /** Entries found below a base, as names if they show no attributes; the filter is in its text form. */
  readonly search: (base: string, filter: string) => readonly (string | ShownEntry)[]
  /** The result code of a bind, instead of 0 or 49. */
  readonly bindCode?: (dn: string) => number | undefined
  /** Sent instead of any answer. */
  readonly raw?: Buffer | 'nothing' | 'cut'
  /** The result code that ends a search. */
  readonly searchCode?: number
  /** Uses TLS: from the start, or after StartTLS. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly isUpgrade?: boolean }
}

export interface ShownEntry {
  readonly dn: string
  readonly attributes: Readonly<Record<string, readonly (string | Buffer)[]>>
}

export interface FakeDirectory {
  readonly port: number
  /** `bind DN`, `search BASE FILTER`, `starttls`, oldest first; passwords are never recorded. */
  readonly asked: readonly string[]
}

const operations = { bind: 0x60, unbind: 0x42, search: 0x63, extended: 0x77 } as const

/** Listens on a free port until the test ends. */
export async function startDirectory(script: Script): Promise<FakeDirectory> {
  const asked: string[] = []
  const sockets = new Set<Socket>()
  const serve = (socket: Socket): void => {
    sockets.add(socket)
    socket.setNoDelay().on('error', () => {})
    let buffer = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => {
      buffer = Buffer.concat([buffer, chunk])
      for (;;) {
        const reader = new BerReader(buffer)
        if (reader.readSequence() === null || reader.remain < reader.length) return
        const end = reader.offset + reader.length
        answer(reader, socket)
        buffer = buffer.subarray(end)
      }
    })
  }
  const answer = (reader: BerReader, socket: Socket): void => {
    const id = reader.readInt() ?? 0
    const operation = reader.readSequence()
    if (operation === operations.unbind) return
    if (script.raw === 'cut') return void socket.destroy()
    if (operation === operations.bind) {
      reader.readInt()
      const dn = reader.readString() ?? ''
      const password = reader.readString(0x80) ?? ''
      asked.push(`bind ${dn}`)
      const isRight = script.accounts[dn] === password
      send(socket, result(id, 0x61, script.bindCode?.(dn) ?? (isRight ? 0 : 49)))
    } else if (operation === operations.search) {
      const base = reader.readString() ?? ''
      for (let member = 0; member < 2; member += 1) reader.readEnumeration()
      for (let member = 0; member < 2; member += 1) reader.readInt()
      reader.readBoolean()
      const filter = FilterParser.parse(reader).toString()
      asked.push(`search ${base} ${filter}`)
      for (const found of script.search(base, filter)) send(socket, entry(id, found))
      send(socket, result(id, 0x65, script.searchCode ?? 0))
    } else if (operation === operations.extended) {
      asked.push('starttls')
      send(socket, result(id, 0x78, script.tls?.isUpgrade === true ? 0 : 2))
      if (script.tls?.isUpgrade === true) {
        socket.removeAllListeners('data')
        serve(new TLSSocket(socket, { isServer: true, cert: script.tls.cert, key: script.tls.key }))
      }
    }
  }
  const send = (socket: Socket, bytes: Buffer): void => {
    if (script.raw === undefined) socket.write(bytes)
    else if (script.raw instanceof Buffer) socket.write(script.raw)
  }
  const isTls = script.tls !== undefined && script.tls.isUpgrade !== true
  const server: Server = isTls ? createTlsServer({ ...script.tls }, serve) : createServer(serve)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, asked }
}

function result(id: number, operation: number, code: number): Buffer {
  return message(id, operation, (writer) => {
    writer.writeEnumeration(code)
    writer.writeString('')
    writer.writeString('')
  })
}

function entry(id: number, found: string | ShownEntry): Buffer {
  const { dn, attributes } = typeof found === 'string' ? { dn: found, attributes: {} } : found
  return message(id, 0x64, (writer) => {
    writer.writeString(dn)
    writer.startSequence()
    for (const [type, values] of Object.entries(attributes)) {
      writer.startSequence()
      writer.writeString(type)
      writer.startSequence(0x31)
      for (const value of values) writer.writeBuffer(Buffer.from(value), 0x04)
      writer.endSequence()
      writer.endSequence()
    }
    writer.endSequence()
  })
}

function message(id: number, operation: number, write: (writer: BerWriter) => void): Buffer {
  const writer = new BerWriter()
  writer.startSequence()
  writer.writeInt(id)
  writer.startSequence(operation)
  write(writer)
  writer.endSequence()
  writer.endSequence()
  return writer.buffer
}
