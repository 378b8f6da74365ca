/** A real OPA with the quickstart's rule, in today's Rego. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { waitUntilAnswering } from './free-port.ts'
import { cachedPath } from './stack.ts'

/** Put allowed when not the owner: the guide's seed. */
export const seedRule = `package httpapi.authz

default allow := false

allow if {
  input.action == "s3:PutObject"
  not input.owner
}
`

export interface Opa {
  stop(): Promise<void>
}

/** Starts OPA on a port; the document to ask is `/v1/data/httpapi/authz`. */
export async function startOpa(port: number, rule: string = seedRule): Promise<Opa> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sts-cli-opa-'))
  const file = path.join(folder, 'authz.rego')
  await writeFile(file, rule)
  const address = `127.0.0.1:${port}`
  const argv = ['run', '--server', '--addr', address, '--disable-telemetry', file]
  const child = spawn(cachedPath('bin', 'opa'), argv, { env: { HOME: folder }, stdio: 'ignore' })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  await waitUntilAnswering(`http://${address}/health`, ended)
  return {
    async stop() {
      child.kill('SIGKILL')
      await ended
      await rm(folder, { recursive: true, force: true })
    },
  }
}
