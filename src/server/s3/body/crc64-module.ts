/**
 * CRC-64/NVME in WebAssembly, because Node has none: with 64-bit words it takes sixteen bytes a step by sixteen tables, which is several times
 * faster than tables in JavaScript, whose numbers have 32 bits for this. The module is one function of some hundred bytes, put together here
 * from its instructions, so that the source holds no binary (opcodes: WebAssembly Core Specification 2.0, chapter 5 "Binary Format").
 */
import { crc64NvmePolynomial, type Crc64 } from './crc-tables.ts'

/** The part of the global object that is used; its types come with those of browsers, which are not loaded. */
declare const WebAssembly: {
  readonly Memory: new (limits: { initial: number }) => { readonly buffer: ArrayBuffer }
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (
    module: object,
    imports: object,
  ) => { readonly exports: Readonly<Record<string, unknown>> }
}

/** Bytes a step, and the number of tables. */
const stepBytes = 16
const tableBytes = 256 * 8
/** The memory: tables, then the CRC, then the data of one call. */
const stateAt = stepBytes * tableBytes
const dataAt = stateAt + 64
const maxDataBytes = 64 * 1024
const pageBytes = 64 * 1024
const pages = Math.ceil((dataAt + maxDataBytes) / pageBytes)

/** Opcodes. */
const op = {
  block: 0x02,
  loop: 0x03,
  br: 0x0c,
  brIf: 0x0d,
  end: 0x0b,
  localGet: 0x20,
  localSet: 0x21,
  loadI64: 0x29,
  loadByteI64: 0x31,
  storeI64: 0x37,
  constI32: 0x41,
  constI64: 0x42,
  geI32: 0x4f,
  addI32: 0x6a,
  subI32: 0x6b,
  andI32: 0x71,
  xorI64: 0x85,
  shlI64: 0x86,
  shrI64: 0x88,
  wrapI64: 0xa7,
} as const
const type = { i32: 0x7f, i64: 0x7e, none: 0x40, function: 0x60 } as const
/** Locals: the two parameters, then those of the function. */
const local = { at: 0, end: 1, crc: 2, first: 3, second: 4 } as const

/** Continues a CRC over bytes. @param previous Of the bytes before; `{ high: 0, low: 0 }` at first. */
export type Crc64Update = (previous: Crc64, data: Uint8Array) => Crc64

/** Compiles the module and fills its tables, which takes about a millisecond. @throws RangeError if there is no address space for its memory. */
export function openCrc64Module(): Crc64Update {
  const memory = new WebAssembly.Memory({ initial: pages })
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(assemble()), {
    m: { m: memory },
  })
  const run = exports['f'] as (at: number, end: number) => void
  fillTables(new BigUint64Array(memory.buffer, 0, stateAt / 8))
  const state = new Int32Array(memory.buffer, stateAt, 2)
  const bytes = new Uint8Array(memory.buffer, dataAt, maxDataBytes)
  return (previous, data) => {
    state[0] = ~previous.low
    state[1] = ~previous.high
    for (let start = 0; start < data.length; start += maxDataBytes) {
      const piece = data.subarray(start, start + maxDataBytes)
      bytes.set(piece)
      run(dataAt, dataAt + piece.length)
    }
    return { low: ~(state[0] ?? 0) >>> 0, high: ~(state[1] ?? 0) >>> 0 }
  }
}

/** Table k has the CRC of each byte with k zero bytes after it. */
function fillTables(tables: BigUint64Array): void {
  for (let index = 0; index < 256; index += 1) {
    let crc = BigInt(index)
    for (let bit = 0; bit < 8; bit += 1)
      crc = crc & 1n ? (crc >> 1n) ^ crc64NvmePolynomial : crc >> 1n
    tables[index] = crc
  }
  for (let index = 256; index < tables.length; index += 1) {
    const before = tables[index - 256] ?? 0n
    tables[index] = (before >> 8n) ^ (tables[Number(before & 255n)] ?? 0n)
  }
}

function assemble(): Uint8Array<ArrayBuffer> {
  const body = [
    // three locals of type i64
    [1, 3, type.i64],
    readState(),
    forEach(stepBytes, stepCode()),
    forEach(1, byteCode()),
    [op.constI32, ...signed(stateAt), ...get(local.crc), op.storeI64, 3, 0],
    [op.end],
  ].flat()
  const head = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]
  return new Uint8Array([
    ...head,
    ...section(1, [1, type.function, 2, type.i32, type.i32, 0]),
    ...section(2, [1, ...name('m'), ...name('m'), 2, 0, pages]),
    ...section(3, [1, 0]),
    ...section(7, [1, ...name('f'), 0, 0]),
    ...section(10, [1, ...unsigned(body.length), ...body]),
  ])
}

/** Repeats the code while `bytes` more bytes are left, and moves on by them. */
function forEach(bytes: number, code: readonly number[]): number[] {
  // at >= end - (bytes - 1), unsigned: `at` never begins below 16
  const limit = [...get(local.end), op.constI32, ...signed(bytes - 1), op.subI32]
  const isDone = [...get(local.at), ...limit, op.geI32]
  const move = [...get(local.at), op.constI32, ...signed(bytes), op.addI32, ...set(local.at)]
  const body = [...isDone, op.brIf, 1, ...code, ...move, op.br, 0]
  return [op.block, type.none, op.loop, type.none, ...body, op.end, op.end]
}

/** crc ^= first eight bytes; then the sum of one entry of each table, chosen by the sixteen bytes. */
function stepCode(): number[] {
  const first = [...get(local.at), op.loadI64, 0, 0, ...get(local.crc), op.xorI64]
  const second = [...get(local.at), op.loadI64, 0, 8]
  const words = [...first, ...set(local.first), ...second, ...set(local.second)]
  // The second word does not wait for the CRC of the step before, so its entries come first; pairs keep the chain of sums short.
  const order = [...range(8, stepBytes), ...range(0, 8)]
  const entries = order.map((index) => {
    const word = index < 8 ? local.first : local.second
    return lookUp(get(word), index % 8, stepBytes - 1 - index)
  })
  return [...words, ...sum(entries), ...set(local.crc)]
}

function sum(terms: readonly (readonly number[])[]): number[] {
  const [only = [], ...more] = terms
  if (more.length === 0) return [...only]
  const half = Math.ceil(terms.length / 2)
  return [...sum(terms.slice(0, half)), ...sum(terms.slice(half)), op.xorI64]
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index)
}

/** crc = table 0 at the lowest byte of (crc ^ byte), ^ crc >> 8. */
function byteCode(): number[] {
  const mixed = [...get(local.at), op.loadByteI64, 0, 0, ...get(local.crc), op.xorI64]
  const rest = [...get(local.crc), op.constI64, 8, op.shrI64, op.xorI64]
  return [...lookUp(mixed, 0, 0), ...rest, ...set(local.crc)]
}

/** Loads the entry of a table that byte `byte` of the word chooses. An entry has eight bytes, so its offset is the byte's value times eight. */
function lookUp(word: readonly number[], byte: number, table: number): number[] {
  const shift =
    byte === 0 ? [op.constI64, 3, op.shlI64] : [op.constI64, ...signed(8 * byte - 3), op.shrI64]
  const offset = [...word, ...shift, op.wrapI64, op.constI32, ...signed(255 * 8), op.andI32]
  return [...offset, op.loadI64, 3, ...unsigned(table * tableBytes)]
}

function readState(): number[] {
  return [op.constI32, ...signed(stateAt), op.loadI64, 3, 0, ...set(local.crc)]
}

function name(text: string): number[] {
  return [text.length, text.charCodeAt(0)]
}

function get(index: number): number[] {
  return [op.localGet, index]
}

function set(index: number): number[] {
  return [op.localSet, index]
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content]
}

/** LEB128 (WebAssembly, §5.2.2 "Integers"). */
function unsigned(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >>> 7)]
}

function signed(value: number): number[] {
  return value < 64 ? [value] : [(value & 127) | 128, ...signed(value >>> 7)]
}
