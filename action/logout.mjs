/** The post step, which runs whether the job failed or not: revokes the session and removes the cached credentials. It fails no job. */
import { rmSync } from 'node:fs'
import process from 'node:process'
import { runCli } from './run-cli.mjs'

const folder = process.env['STATE_folder'] ?? ''
if (folder !== '') {
  if (runCli(folder, 'logout') !== 0) process.stdout.write('::warning::sts-cli did not log out\n')
  rmSync(folder, { recursive: true, force: true })
}
