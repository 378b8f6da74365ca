import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { measureLoad } from './bench-sts.mjs'
import { median } from './measure.mjs'
import { binPath, startStack } from './stack.mjs'

/** Credentials issued a second with etcd, each of them written there, beside etcd's own puts of as many bytes under a lease, in turn. */
export async function benchEtcd({ isSmoke }) {
  if (spawnSync('etcd', ['--version']).error !== undefined) {
    process.stdout.write('etcd: skipped, there is no program etcd here\n')
    return []
  }
  const etcd = await startEtcd()
  let stack
  try {
    stack = await startStack([], { MINIO_ETCD_ENDPOINTS: etcd.url })
    const port = Number(new URL(stack.ready.sts).port)
    const exchange = makeExchange(stack.env)
    const put = await makePut(etcd.url)
    const seconds = isSmoke ? 0.5 : 3
    const ratios = []
    // The first round warms both up.
    for (let round = -1; round < (isSmoke ? 1 : 5); round += 1) {
      const floor = await measureLoad(etcd.port, put, seconds)
      const issued = await measureLoad(port, exchange, seconds)
      if (round >= 0) ratios.push(issued / floor)
    }
    return [
      {
        what: 'AssumeRoleWithClientGrants with etcd, 32 connections',
        ratio: median(ratios),
        floor: 'etcd’s own put with a lease',
        aim: '≥ 0.70',
      },
    ]
  } finally {
    await stack?.stop()
    await etcd.stop()
  }
}

/** One member that writes to disk as it does by default. */
async function startEtcd() {
  const folder = mkdtempSync(path.join(tmpdir(), 'sts-cli-bench-etcd-'))
  const [port, peerPort] = [await findFreePort(), await findFreePort()]
  const url = `http://127.0.0.1:${port}`
  const peerUrl = `http://127.0.0.1:${peerPort}`
  const settings = {
    name: 'bench',
    'data-dir': folder,
    'listen-client-urls': url,
    'advertise-client-urls': url,
    'listen-peer-urls': peerUrl,
    'initial-advertise-peer-urls': peerUrl,
    'initial-cluster': `bench=${peerUrl}`,
  }
  const argv = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])
  const child = spawn('etcd', argv, { stdio: 'ignore' })
  const exited = new Promise((resolve) => child.once('exit', resolve))
  while (!(await answers(url))) await new Promise((resolve) => setTimeout(resolve, 50))
  return {
    url,
    port,
    async stop() {
      child.kill('SIGKILL')
      await exited
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function answers(url) {
  try {
    return (await fetch(`${url}/health`)).ok
  } catch {
    return false
  }
}

async function findFreePort() {
  const server = createServer()
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** A put of an identity's length, by the gateway that we speak as well. */
async function makePut(url) {
  const lease = await fetch(`${url}/v3/lease/grant`, { method: 'POST', body: '{"TTL":"3600"}' })
  const { ID } = await lease.json()
  const key = encode('bench/sts/AAAAAAAAAAAAAAAAAAAA/identity.json')
  return makePost(
    '/v3/kv/put',
    'application/json',
    JSON.stringify({ key, value: encode('x'.repeat(1100)), lease: ID }),
  )
}

function encode(text) {
  return Buffer.from(text).toString('base64')
}

function makeExchange(env) {
  const token = execFileSync(process.execPath, [binPath, 'token'], { env, encoding: 'utf8' }).trim()
  const form = `Action=AssumeRoleWithClientGrants&Version=2011-06-15&DurationSeconds=900&Token=${token}`
  return makePost('/', 'application/x-www-form-urlencoded', form)
}

function makePost(target, type, body) {
  return `POST ${target} HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n${body}`
}
