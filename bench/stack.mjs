/** An embedded stack for a bench: `sts-cli serve` as a process of its own, on free ports, with folders of its own. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { benchEnvironment } from './measure.mjs'

export const binPath = path.join(import.meta.dirname, '..', 'bin', 'sts-cli.cjs')

/** Starts a stack; gives its ready line, an environment for clients, and `stop()`. `settings` are MINIO_ variables of the server alone. */
export async function startStack(extraFlags = [], settings = {}) {
  const home = mkdtempSync(path.join(tmpdir(), 'sts-cli-bench-'))
  const env = benchEnvironment({
    HOME: home,
    XDG_CACHE_HOME: path.join(home, 'cache'),
    XDG_STATE_HOME: path.join(home, 'state'),
    XDG_CONFIG_HOME: path.join(home, 'config'),
  })
  const flags = [
    'serve',
    '--json',
    '--address',
    '127.0.0.1:0',
    '--idp-address',
    '127.0.0.1:0',
    '--log-level',
    'silent',
    ...extraFlags,
  ]
  const child = spawn(process.execPath, [binPath, ...flags], {
    env: { ...env, ...settings },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ready = JSON.parse(await readLine(child))
  return {
    ready,
    env,
    home,
    async stop() {
      child.kill('SIGTERM')
      await new Promise((resolve) => child.once('exit', resolve))
      rmSync(home, { recursive: true, force: true })
    },
  }
}

/** The first line a process prints; rejects when it ends before one. */
export function readLine(child) {
  return new Promise((resolve, reject) => {
    let text = ''
    child.stdout.on('data', (chunk) => {
      text += chunk
      const end = text.indexOf('\n')
      if (end !== -1) resolve(text.slice(0, end))
    })
    child.once('exit', (code) =>
      reject(new Error(`the process ended with ${code} before it was ready`)),
    )
  })
}
