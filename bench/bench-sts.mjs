import { execFileSync, spawn } from 'node:child_process'
import path from 'node:path'
import { benchEnvironment, median } from './measure.mjs'
import { binPath, readLine, startStack } from './stack.mjs'

const here = import.meta.dirname

/** `POST AssumeRoleWithClientGrants` on one process beside a bare node:http hello, in turn. */
export async function benchSts({ isSmoke }) {
  const stack = await startStack()
  const hello = spawn(process.execPath, [path.join(here, 'hello-server.mjs')], {
    env: benchEnvironment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const helloPort = Number(await readLine(hello))
    const token = execFileSync(process.execPath, [binPath, 'token'], {
      env: stack.env,
      encoding: 'utf8',
    }).trim()
    const form = `Action=AssumeRoleWithClientGrants&Version=2011-06-15&DurationSeconds=900&Token=${token}`
    const head = `POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${form.length}\r\n\r\n`
    const stsPort = Number(new URL(stack.ready.sts).port)
    const ratios = []
    for (let round = 0; round < (isSmoke ? 1 : 5); round += 1) {
      const seconds = isSmoke ? 0.5 : 3
      const floor = await measureLoad(
        helloPort,
        'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n',
        seconds,
      )
      ratios.push((await measureLoad(stsPort, head + form, seconds)) / floor)
    }
    return [
      {
        what: 'POST AssumeRoleWithClientGrants, 32 connections',
        ratio: median(ratios),
        floor: 'node:http hello',
        aim: '≥ 0.20',
      },
    ]
  } finally {
    hello.kill()
    await stack.stop()
  }
}

export async function measureLoad(port, request, seconds) {
  const child = spawn(
    process.execPath,
    [path.join(here, 'load.mjs'), String(port), '32', String(seconds)],
    { env: benchEnvironment(), stdio: ['pipe', 'pipe', 'inherit'] },
  )
  child.stdin.end(request)
  const result = JSON.parse(await readLine(child))
  if (result.failures > 0 || result.requests === 0)
    throw new Error(`load on port ${port}: ${result.failures} of ${result.requests} failed`)
  return result.requests / result.seconds
}
