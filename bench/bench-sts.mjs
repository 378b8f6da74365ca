import { execFileSync, spawn } from 'node:child_process'
import path from 'node:path'
import { benchEnvironment, median, readCpuSeconds, runLoad } from './measure.mjs'
import { binPath, readLine, startStack } from './stack.mjs'

const here = import.meta.dirname

/** `POST AssumeRoleWithClientGrants` on one process beside a bare node:http hello, in turn; the first round warms both up. */
export async function benchSts({ isSmoke }) {
  const stack = await startStack()
  const hello = spawn(process.execPath, [path.join(here, 'hello-server.mjs')], {
    env: benchEnvironment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const floor = {
      pid: hello.pid,
      port: Number(await readLine(hello)),
      request: 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n',
    }
    const sts = {
      pid: stack.ready.pid,
      port: Number(new URL(stack.ready.sts).port),
      request: makeExchange(stack.env),
    }
    const seconds = isSmoke ? 0.5 : 3
    const rounds = []
    for (let round = 0; round < (isSmoke ? 2 : 6); round += 1)
      rounds.push({ floor: await measure(floor, seconds), sts: await measure(sts, seconds) })
    return toRows(rounds.slice(1))
  } finally {
    hello.kill()
    await stack.stop()
  }
}

function makeExchange(env) {
  const token = execFileSync(process.execPath, [binPath, 'token'], { env, encoding: 'utf8' }).trim()
  const form = `Action=AssumeRoleWithClientGrants&Version=2011-06-15&DurationSeconds=900&Token=${token}`
  return `POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${form.length}\r\n\r\n${form}`
}

function toRows(rounds) {
  const what = 'AssumeRoleWithClientGrants, 32 connections'
  const row = (name, pick) => ({
    what: `${what}, ${name}`,
    ratio: median(rounds.map(({ floor, sts }) => pick(sts) / pick(floor))),
    floor: 'node:http hello',
    aim: '≥ 0.20',
  })
  const rows = [row('requests a second', ({ perSecond }) => perSecond)]
  // Where the machine is busy with other things, the processor's own account is the truer one.
  if (rounds.every(({ sts }) => sts.cpuSeconds > 0))
    rows.push(row('requests a second of CPU', ({ requests, cpuSeconds }) => requests / cpuSeconds))
  return rows
}

async function measure({ pid, port, request }, seconds) {
  const cpuSecondsBefore = readCpuSeconds(pid)
  const result = await runLoad(port, [request], { seconds })
  const cpuSeconds = readCpuSeconds(pid) - cpuSecondsBefore
  return { requests: result.requests, perSecond: result.requests / result.seconds, cpuSeconds }
}

/** Requests a second that a server answers to 32 connections. */
export async function measureLoad(port, request, seconds) {
  const result = await runLoad(port, [request], { seconds })
  return result.requests / result.seconds
}
