/**
 * A load generator that costs less than the server it asks: raw sockets, one fixed request, replies counted by their
 * Content-Length. Runs as a process of its own and prints `{"requests":n,"seconds":s,"failures":n,"cpuMs":n}`.
 *
 * node bench/load.mjs PORT CONNECTIONS SECONDS < REQUEST-BYTES
 */
import { connect } from 'node:net'

const [port, connections, seconds] = process.argv.slice(2).map(Number)
const chunks = []
for await (const chunk of process.stdin) chunks.push(chunk)
const request = Buffer.concat(chunks)

let requests = 0
let failures = 0
let isOver = false
/** Bytes of the last reply: nearly all are as long, and need no parsing. */
let usualBytes = 0
const isOk = (reply) => reply.latin1Slice(0, 12) === 'HTTP/1.1 200'

function openConnection() {
  const socket = connect(port, '127.0.0.1')
  socket.setNoDelay(true)
  let pending = Buffer.alloc(0)
  socket.on('connect', () => socket.write(request))
  socket.on('error', () => (failures += 1))
  const next = () => {
    requests += 1
    if (isOver) socket.destroy()
    else socket.write(request)
  }
  socket.on('data', (data) => {
    if (pending.length === 0 && data.length === usualBytes && isOk(data)) {
      next()
      return
    }
    pending = pending.length === 0 ? data : Buffer.concat([pending, data])
    const headEnd = pending.indexOf('\r\n\r\n')
    if (headEnd === -1) return
    const head = pending.toString('latin1', 0, headEnd)
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)
    if (pending.length < headEnd + 4 + length) return
    if (!isOk(pending)) failures += 1
    usualBytes = headEnd + 4 + length
    pending = pending.subarray(usualBytes)
    next()
  })
}

const startedAt = performance.now()
for (let i = 0; i < connections; i += 1) openConnection()
function end() {
  // A disk that stalls can hold all replies of a short run back: wait for the first.
  if (requests + failures === 0 && performance.now() - startedAt < 10_000)
    return void setTimeout(end, 50)
  isOver = true
  const elapsed = (performance.now() - startedAt) / 1000
  const { user, system } = process.cpuUsage()
  const result = { requests, seconds: elapsed, failures, cpuMs: (user + system) / 1000 }
  process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0))
}
setTimeout(end, seconds * 1000)
