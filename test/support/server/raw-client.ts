/** A client that sends bytes unchanged and reads the answer, so that tests can send what no HTTP library would. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import type { Log } from '../../../src/base/log.ts'
import type { HttpHandler } from '../../../src/server/http/http-message.ts'
import { toHandler, type ReplyHandler } from './make-request.ts'
import { listen, type Listener, type ListenOptions } from '../../../src/server/http/listener.ts'

export interface LogLine {
  readonly level: string
  readonly facts: Readonly<Record<string, unknown>>
  readonly message: string
}

/** Binds a handler to a free port, and keeps its log lines. */
export function openListener(
  handler: ReplyHandler,
  more?: Partial<ListenOptions>,
): ReturnType<typeof listenTo> {
  return listenTo(toHandler(handler), more)
}

/** Does the same with a handler that returns facts. */
export async function listenTo(
  handler: HttpHandler,
  more: Partial<ListenOptions> = {},
): Promise<{ listener: Listener; lines: LogLine[] }> {
  const lines: LogLine[] = []
  const note = (level: string) => (facts: object, message: string) =>
    void lines.push({ level, facts: { ...facts }, message })
  const log: Log = { info: note('info'), warn: note('warn'), error: note('error') }
  const options = { host: '127.0.0.1', port: 0, log, isAccessLogged: true, nowMs: () => Date.now() }
  const listener = await listen(handler, { ...options, ...more })
  onTestFinished(() => listener.close(0))
  return { listener, lines }
}

export interface RawConnection {
  readonly socket: Socket
  write(text: string | Buffer): void
  /** Returns everything received so far, once it matches. */
  until(pattern: RegExp): Promise<string>
  /** Returns everything received, once the other side has closed. */
  toEnd(): Promise<string>
}

export async function openConnection({ port }: Listener): Promise<RawConnection> {
  const socket = connect(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  let text = ''
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
  // A closed connection is a result, not a failure of the test.
  socket.on('error', () => {})
  const closed = new Promise((resolve) => socket.once('close', resolve))
  await once(socket, 'connect')
  return {
    socket,
    write: (bytes) => void socket.write(bytes),
    async until(pattern) {
      while (!pattern.test(text)) await once(socket, 'data')
      return text
    },
    async toEnd() {
      if (!socket.closed) await closed
      return text
    },
  }
}

/** Returns a promise, and the function `open` that resolves it. */
export function makeGate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = (): void => {}
  const opened = new Promise<void>((resolve) => (open = resolve))
  return { opened, open }
}
