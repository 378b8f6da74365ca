import path from 'node:path'
import { compareProcesses } from './measure.mjs'
import { binPath, startStack } from './stack.mjs'

/** `login` beside a bare script that makes the same two requests (https to the provider, http to the STS). */
export async function benchLogin({ isSmoke }) {
  const stack = await startStack()
  try {
    const { ready } = stack
    const env = {
      ...stack.env,
      BENCH_SECRET: ready.clientSecret,
      STS_CLI_CLIENT_SECRET: ready.clientSecret,
    }
    const bare = path.join(import.meta.dirname, 'bare-login.mjs')
    const login = [
      'login',
      '-q',
      '--cache',
      'none',
      '-cid',
      ready.clientId,
      '-idp-ep',
      ready.idp,
      '-sts-ep',
      ready.sts,
      '--ca-file',
      ready.caFile,
    ]
    const rows = await compareProcesses(
      [
        {
          name: 'bare',
          argv: [
            process.execPath,
            bare,
            ready.idp,
            ready.caFile,
            ready.sts.replace(/\/$/, ''),
            ready.clientId,
          ],
          env,
        },
        { name: 'login', argv: [process.execPath, binPath, ...login], env },
      ],
      isSmoke ? 1 : 21,
    )
    return [
      {
        what: 'sts-cli login',
        ratio: rows[1].ratio,
        floor: 'bare node:https + node:http',
        aim: '≤ 1.35',
      },
    ]
  } finally {
    await stack.stop()
  }
}
