import { execFileSync } from 'node:child_process'
import { compareProcesses } from './measure.mjs'
import { binPath, startStack } from './stack.mjs'

/** `env` and `creds` from a warm cache beside Node doing nothing. */
export async function benchEnv({ isSmoke }) {
  const stack = await startStack()
  try {
    execFileSync(process.execPath, [binPath, 'login', '-q'], { env: stack.env })
    const rows = await compareProcesses(
      [
        { name: 'node', argv: [process.execPath, '-e', '0'], env: stack.env },
        { name: 'env', argv: [process.execPath, binPath, 'env'], env: stack.env },
        { name: 'creds', argv: [process.execPath, binPath, 'creds'], env: stack.env },
      ],
      isSmoke ? 1 : 41,
    )
    return rows.slice(1).map(({ name, ratio }) => ({
      what: `sts-cli ${name}, warm cache`,
      ratio,
      floor: 'node -e 0',
      aim: '≤ 1.10',
    }))
  } finally {
    await stack.stop()
  }
}
