import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { createServer } from 'node:http'
import path from 'node:path'
import { median, timeProcess } from './measure.mjs'
import { binPath, startStack } from './stack.mjs'

const processes = 50

/**
 * Fifty SDKs that start at once and find no credentials: one of them asks, the others wait for it. The bench fails when the identity provider
 * or the STS is asked more than once.
 */
export async function benchParallel({ isSmoke }) {
  const stack = await startStack()
  const token = execFileSync(process.execPath, [binPath, 'token'], {
    env: stack.env,
    encoding: 'utf8',
  }).trim()
  const provider = await countTokenRequests(token)
  const env = {
    ...stack.env,
    STS_CLI_CLIENT_ID: stack.ready.clientId,
    STS_CLI_CLIENT_SECRET: stack.ready.clientSecret,
    STS_CLI_IDP_ENDPOINT: provider.url,
    STS_CLI_STS_ENDPOINT: stack.ready.sts,
  }
  try {
    const ratios = []
    const rounds = isSmoke ? 1 : 5
    for (let round = 0; round < rounds; round += 1) {
      const floorMs = await timeTogether([process.execPath, '-e', '0'], env)
      rmSync(path.join(stack.home, 'cache'), { recursive: true, force: true })
      ratios.push(
        (await timeTogether([process.execPath, binPath, 'credential-process'], env)) / floorMs,
      )
      expectCount('token requests', provider.count(), round + 1)
      expectCount('exchanges', await countExchanges(stack.ready.sts), round + 1)
    }
    return [
      {
        what: `${processes} × credential-process at once, cold, 1 token request`,
        ratio: median(ratios),
        floor: `${processes} × node -e 0`,
        aim: 'less is better',
      },
    ]
  } finally {
    await provider.stop()
    await stack.stop()
  }
}

async function timeTogether(argv, env) {
  const startedAt = performance.now()
  await Promise.all(Array.from({ length: processes }, () => timeProcess(argv, env)))
  return performance.now() - startedAt
}

/** An identity provider that gives everybody the same token and counts. */
async function countTokenRequests(token) {
  let requests = 0
  const server = createServer((request, response) => {
    requests += 1
    request.resume()
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ access_token: token, token_type: 'Bearer', expires_in: 3600 }))
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${server.address().port}/token`,
    count: () => requests,
    stop: () => new Promise((resolve) => server.close(resolve)),
  }
}

async function countExchanges(sts) {
  const text = await (await fetch(`${sts}/metrics`)).text()
  const line = /^sts_cli_requests_total\{action="AssumeRoleWithClientGrants",status="200"\} (\d+)$/m
  return Number(line.exec(text)?.[1] ?? 0)
}

function expectCount(what, count, expected) {
  if (count !== expected) throw new Error(`${count} ${what} in place of ${expected}`)
}
