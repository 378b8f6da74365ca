import { spawn } from 'node:child_process'
import path from 'node:path'
import { benchEnvironment, median, readCpuSeconds, runLoad } from './measure.mjs'
import { readLine, startStack } from './stack.mjs'
import { startTokenIssuer } from './token-issuer.mjs'

/** More than a server may keep of one caller: each exchange brings a token that was not seen for long. */
const tokens = 500

/**
 * `POST AssumeRoleWithClientGrants` with distinct tokens, on one process and on two, beside a bare node:http hello, in turn; the first round
 * warms all up.
 */
export async function benchSts({ isSmoke }) {
  const issuer = await startTokenIssuer()
  const exchanges = Array.from({ length: isSmoke ? 20 : tokens }, () =>
    makeExchange(issuer.signToken()),
  )
  const servers = [
    await startHello(),
    await startSts('one', [], { issuer, exchanges }),
    await startSts('two', ['--workers', '2'], { issuer, exchanges }),
  ]
  try {
    const seconds = isSmoke ? 0.5 : 3
    const rounds = []
    for (let round = 0; round < (isSmoke ? 2 : 6); round += 1) {
      const figures = {}
      for (const server of round % 2 === 0 ? servers : servers.toReversed())
        figures[server.name] = await measure(server, seconds)
      rounds.push(figures)
    }
    return toRows(rounds.slice(1))
  } finally {
    for (const server of servers) await server.stop()
    await issuer.stop()
  }
}

async function startHello() {
  const hello = spawn(process.execPath, [path.join(import.meta.dirname, 'hello-server.mjs')], {
    env: benchEnvironment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return {
    name: 'hello',
    pid: hello.pid,
    port: Number(await readLine(hello)),
    questions: ['GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'],
    stop: () => hello.kill(),
  }
}

async function startSts(name, flags, { issuer, exchanges }) {
  const { ready, stop } = await startStack(['--no-idp', ...flags], issuer.settings)
  return { name, pid: ready.pid, port: Number(new URL(ready.sts).port), questions: exchanges, stop }
}

function makeExchange(token) {
  const form = `Action=AssumeRoleWithClientGrants&Version=2011-06-15&DurationSeconds=900&Token=${token}`
  return `POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${form.length}\r\n\r\n${form}`
}

const perSecond = (figures) => figures.perSecond
const perCpuSecond = ({ requests, cpuSeconds }) => requests / cpuSeconds

function toRows(rounds) {
  const what = 'ClientGrants, distinct tokens, 32 connections'
  const row = (said, aim, [name, floor], pick) => ({
    what: `${what}, ${said}`,
    ratio: median(rounds.map((figures) => pick(figures[name]) / pick(figures[floor]))),
    floor: floor === 'hello' ? 'node:http hello' : 'one process',
    aim,
  })
  const rows = [row('requests a second', '≥ 0.35', ['one', 'hello'], perSecond)]
  // Where the machine is busy with other things, the processor's own account is the truer one.
  if (rounds.every(({ one }) => one.cpuSeconds > 0))
    rows.push(row('requests a second of CPU', '≥ 0.20', ['one', 'hello'], perCpuSecond))
  rows.push(row('two workers', '≥ 1.7', ['two', 'one'], perSecond))
  return rows
}

async function measure({ pid, port, questions }, seconds) {
  const cpuSecondsBefore = readCpuSeconds(pid)
  const result = await runLoad(port, questions, { seconds })
  const cpuSeconds = readCpuSeconds(pid) - cpuSecondsBefore
  return { requests: result.requests, perSecond: result.requests / result.seconds, cpuSeconds }
}

/** Requests a second that a server answers to 32 connections. */
export async function measureLoad(port, request, seconds) {
  const result = await runLoad(port, [request], { seconds })
  return result.requests / result.seconds
}
