/** Sends and receives bytes, so that tests can send what no HTTP library would. */
import { connect } from 'node:net'

/** A server that has sent nothing for so long waits for more. One that is only slow is cut off: Node does not answer a client that has ended. */
const silenceMs = 60
/** A server that has not closed the connection by then hangs: it already has everything that the client sends. */
const hangMs = 30_000

export interface RawOptions {
  /**
   * `close`: waits until the server closes. `end`: ends the sending side once the server is silent, after which the server must close. `cut`:
   * closes the connection without waiting.
   */
  readonly ending?: 'close' | 'end' | 'cut'
}

/**
 * Sends pieces over a connection of its own.
 *
 * @returns Everything that the server sent, as Latin-1.
 * @throws {Error} if the server keeps the connection open although nothing more can come.
 */
export function sendRaw(
  port: number,
  pieces: readonly string[],
  { ending = 'close' }: RawOptions = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    let received = ''
    const hang = setTimeout(() => {
      socket.destroy()
      reject(
        new Error(
          `the server did not end the connection; so far it said: ${received.slice(0, 300)}`,
        ),
      )
    }, hangMs)
    socket.setEncoding('latin1')
    let silence: NodeJS.Timeout | undefined
    const endLater = (): void => {
      clearTimeout(silence)
      if (ending === 'end') silence = setTimeout(() => socket.end(), silenceMs)
    }
    socket.on('data', (text: string) => {
      received += text
      endLater()
    })
    // A connection that the server closes is an answer too.
    socket.on('error', () => {})
    socket.on('close', () => {
      clearTimeout(hang)
      clearTimeout(silence)
      resolve(received)
    })
    socket.on('connect', () => {
      for (const piece of pieces) socket.write(piece, 'latin1')
      endLater()
      if (ending === 'cut') setImmediate(() => socket.destroy())
    })
  })
}

export interface Message {
  readonly method: string
  readonly path: string
  /** Without `?`. */
  readonly query: string
  readonly headers: readonly (readonly [string, string])[]
  /** Latin-1. */
  readonly body: string
}

export interface WireAnswer {
  /** 0 if nothing came. */
  readonly status: number
  readonly head: string
  readonly body: string
}

/** Sends one request unchanged, with `Connection: close`, and reads the answer. */
export async function sendMessage(port: number, message: Message): Promise<WireAnswer> {
  const { method, path, query, headers, body } = message
  const target = query === '' ? path : `${path}?${query}`
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  const length = body === '' && method === 'GET' ? '' : `content-length: ${body.length}\r\n`
  const text = `${method} ${target} HTTP/1.1\r\n${lines}${length}connection: close\r\n\r\n${body}`
  return readAnswer(await sendRaw(port, [text]))
}

/** Returns the first final answer on a connection. */
export function readAnswer(text: string): WireAnswer {
  const rest = text.replace(/^HTTP\/1\.1 100 [^\r]*\r\n\r\n/, '')
  const end = rest.indexOf('\r\n\r\n')
  const head = end === -1 ? rest : rest.slice(0, end)
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0)
  const raw = end === -1 ? '' : rest.slice(end + 4)
  const isChunked = /^transfer-encoding: chunked/im.test(head)
  return { status, head, body: isChunked ? joinChunks(raw) : raw }
}

function joinChunks(raw: string): string {
  let [rest, body] = [raw, '']
  for (;;) {
    const [line = ''] = rest.split('\r\n', 1)
    const size = Number.parseInt(line, 16)
    if (!(size > 0)) return body
    body += rest.slice(line.length + 2, line.length + 2 + size)
    rest = rest.slice(line.length + 2 + size + 2)
  }
}

/** Returns the statuses of all answers on a connection, in order. */
export function readStatuses(text: string): number[] {
  return [...text.matchAll(/(?:^|\r\n\r\n|[^\r\n])HTTP\/1\.1 (\d{3}) /g)].map(([, status]) =>
    Number(status),
  )
}
