import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { presignUrl } from '../dist/lib/protocol/sigv4/sign.js'
import { measureLoad } from './bench-sts.mjs'
import { benchEnvironment, median } from './measure.mjs'
import { readLine, startStack } from './stack.mjs'

const document = '/v1/data/httpapi/authz'
const rule = `package httpapi.authz

default allow := false

allow if input.action in {"s3:GetObject", "s3:PutObject"}
`

/** Decisions a second through OPA (presigned HEAD of an empty object: the least that S3 does) beside the same OPA asked directly, in turn. */
export async function benchOpa({ isSmoke }) {
  const opa = await startOpa()
  let stack
  try {
    const url = `http://127.0.0.1:${opa.port}${document}`
    stack = await startStack(['--no-idp', '--bucket', 'bench'], { MINIO_IAM_OPA_URL: url })
    const sign = (method) => presign(method, stack.ready)
    const stored = await fetch(sign('PUT'), { method: 'PUT', body: '' })
    if (stored.status !== 200) throw new Error(`PUT answered ${stored.status}`)
    const head = sign('HEAD')
    const served = `HEAD ${head.pathname}${head.search} HTTP/1.1\r\nHost: ${head.host}\r\n\r\n`
    const asked = ask(head)
    const seconds = isSmoke ? 0.3 : 2
    const ratios = []
    for (let round = -1; round < (isSmoke ? 0 : 7); round += 1) {
      const direct = await measureLoad(opa.port, asked, seconds)
      const through = await measureLoad(Number(head.port), served, seconds)
      if (round >= 0 || isSmoke) ratios.push(through / direct)
    }
    return [
      {
        what: `signed HEAD decided by ${opa.name}, 32 connections`,
        ratio: median(ratios),
        floor: 'the same asked directly',
        aim: '≥ 0.60',
      },
    ]
  } finally {
    await stack?.stop()
    opa.stop()
  }
}

function presign(method, { sts, accessKey, secretKey }) {
  const keys = { accessKeyId: accessKey, secretAccessKey: secretKey }
  const options = { region: 'us-east-1', service: 's3', nowMs: Date.now(), expiresSeconds: 3600 }
  return presignUrl({ method, url: new URL('/bench/small', sts) }, keys, options)
}

/** The question that the server asks for this request. */
function ask(url) {
  const input = {
    account: 'bench',
    groups: null,
    action: 's3:GetObject',
    bucket: 'bench',
    conditions: {
      'X-Amz-Algorithm': ['AWS4-HMAC-SHA256'],
      'X-Amz-Date': [url.searchParams.get('X-Amz-Date')],
      'X-Amz-Expires': ['3600'],
      'X-Amz-SignedHeaders': ['host'],
      SourceIp: ['127.0.0.1'],
      SecureTransport: ['false'],
      UserAgent: [''],
      Referer: [''],
      CurrentTime: ['2026-11-23T16:33:27Z'],
      EpochTime: ['1795451607'],
      signatureversion: ['AWS4-HMAC-SHA256'],
      authType: ['REST-QUERY-STRING'],
      principaltype: ['Account'],
      userid: ['bench'],
      username: ['bench'],
      versionid: [''],
    },
    owner: true,
    object: 'small',
    claims: {},
    denyOnly: false,
  }
  const body = JSON.stringify({ input })
  return `POST ${document} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
}

/** The `opa` of the PATH; a stand-in where there is none. */
async function startOpa() {
  if (spawnSync('opa', ['version'], { stdio: 'ignore' }).status !== 0) return startStandIn()
  const folder = mkdtempSync(path.join(tmpdir(), 'sts-cli-bench-'))
  const file = path.join(folder, 'authz.rego')
  writeFileSync(file, rule)
  const port = await findFreePort()
  const argv = ['run', '--server', '--addr', `127.0.0.1:${port}`, '--skip-version-check']
  const child = spawn('opa', [...argv, '--log-level', 'error', file], { stdio: 'ignore' })
  const stop = () => {
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
  for (let tries = 0; tries < 200; tries += 1) {
    const isThere = await fetch(`http://127.0.0.1:${port}/health`).then(
      ({ status }) => status === 200,
      () => false,
    )
    if (isThere) return { name: 'OPA', port, stop }
    await delay(50)
  }
  stop()
  throw new Error('opa did not answer')
}

async function startStandIn() {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'opa-stand-in.mjs')], {
    env: benchEnvironment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const port = Number(await readLine(child))
  return { name: 'a stand-in for OPA', port, stop: () => child.kill() }
}

async function findFreePort() {
  const server = createServer()
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port
}
