/**
 * A load generator that costs less than the server it asks: raw sockets, fixed requests in turn, replies counted by their
 * Content-Length. Runs as a process of its own and prints `{"requests":n,"seconds":s,"failures":n,"cpuMs":n}`.
 *
 * node bench/load.mjs PORT CONNECTIONS SECONDS [BODY-BYTES] < REQUESTS
 *
 * REQUESTS are separated by NUL. With BODY-BYTES each is followed by a body of so many bytes, sent as the socket takes them.
 * Every connection ends its last exchange, and the seconds are counted until then.
 */
import { connect } from 'node:net'

const [port, connections, seconds, bodyBytes = 0] = process.argv.slice(2).map(Number)
const chunks = []
for await (const chunk of process.stdin) chunks.push(chunk)
const questions = Buffer.concat(chunks)
  .toString('latin1')
  .split('\0')
  .map((text) => Buffer.from(text, 'latin1'))
const piece = Buffer.alloc(Math.min(bodyBytes, 1024 * 1024), 'abcdefgh')

let asked = 0
let requests = 0
let failures = 0
let isOver = false
let open = 0
/** Bytes of the last reply: nearly all are as long, and need no parsing. */
let usualBytes = 0
const isOk = (reply) => reply.latin1Slice(0, 12) === 'HTTP/1.1 200'

function openConnection() {
  const socket = connect(port, '127.0.0.1')
  socket.setNoDelay(true)
  open += 1
  let unsent = 0
  const sendBody = () => {
    while (unsent > 0) {
      const part = unsent >= piece.length ? piece : piece.subarray(0, unsent)
      unsent -= part.length
      if (!socket.write(part)) return
    }
  }
  const ask = () => {
    unsent = bodyBytes
    socket.write(questions[asked % questions.length])
    asked += 1
    sendBody()
  }
  if (bodyBytes > 0) socket.on('drain', sendBody)
  socket.on('connect', ask)
  socket.on('error', () => (failures += 1))
  socket.on('close', () => {
    open -= 1
    if (open === 0) report()
  })
  const next = () => {
    requests += 1
    if (isOver) socket.destroy()
    else ask()
  }
  readReplies(socket, next)
}

/** Calls `next` after each whole reply. */
function readReplies(socket, next) {
  let pending = Buffer.alloc(0)
  let missing = 0
  socket.on('data', (data) => {
    if (missing > 0) {
      missing -= data.length
      if (missing <= 0) next()
      return
    }
    if (pending.length === 0 && data.length === usualBytes && isOk(data)) {
      next()
      return
    }
    pending = pending.length === 0 ? data : Buffer.concat([pending, data])
    const headEnd = pending.indexOf('\r\n\r\n')
    if (headEnd === -1) return
    const head = pending.toString('latin1', 0, headEnd)
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)
    missing = headEnd + 4 + length - pending.length
    if (!isOk(pending)) failures += 1
    pending = Buffer.alloc(0)
    if (missing > 0) return
    usualBytes = headEnd + 4 + length
    next()
  })
}

let isReported = false
function report() {
  if (isReported) return
  isReported = true
  const elapsed = (performance.now() - startedAt) / 1000
  const { user, system } = process.cpuUsage()
  const result = { requests, seconds: elapsed, failures, cpuMs: (user + system) / 1000 }
  process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0))
}

const startedAt = performance.now()
for (let i = 0; i < connections; i += 1) openConnection()
setTimeout(() => {
  isOver = true
  // A disk that stalls can hold the last replies back: they count, but not for ever.
  setTimeout(report, 10_000)
}, seconds * 1000)
