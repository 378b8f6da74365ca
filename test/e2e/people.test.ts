import { readFile, writeFile, mkdir } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openTestBrowser } from '../support/commands/test-browser.ts'
import { openHome } from '../support/e2e/harness.ts'

/** Installs a browser opener that passes the URL to `tell` and records its arguments and environment. */
async function installOpener(folder: string, tell: (address: string) => void): Promise<string> {
  const server = createServer((request, response) => {
    tell(decodeURIComponent(request.url?.slice(2) ?? ''))
    response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  const bin = path.join(folder, 'opener')
  await mkdir(bin)
  const script = `#!/bin/sh
env > '${folder}/opener.env'; echo "$@" > '${folder}/opener.argv'
exec '${process.execPath}' -e 'require("node:http").get("http://127.0.0.1:${port}/?" + encodeURIComponent(process.argv[1]))' "$1"
`
  await writeFile(path.join(bin, 'xdg-open'), script, { mode: 0o755 })
  return bin
}

describe.skipIf(process.platform !== 'linux')('users of sts-cli serve', () => {
  it('a user logs in with the system’s browser without any configuration', async () => {
    const home = await openHome()
    const serving = await home.serve(['--user', 'alice:wonderland:readwrite', '--bucket', 'hers'])
    const browser = openTestBrowser(await readFile(serving.ready.caFile, 'utf8'))
    const bin = await installOpener(home.folder, (address) => {
      void browser
        .visit(address)
        .then((form) => browser.submit(form, { username: 'alice', password: 'wonderland' }))
    })
    const env = { PATH: `${bin}:${process.env['PATH'] ?? ''}`, AWS_SECRET_ACCESS_KEY: 'hush' }
    // The keyring would belong to the person who runs the tests.
    const ran = await home.cli(['login', '-q', '--grant', 'browser', '--no-keyring'], { env })

    expect(ran).toMatchObject({ code: 0, stdout: '' })
    const argv = await readFile(path.join(home.folder, 'opener.argv'), 'utf8')
    expect(argv).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[\w-]{22}\n$/)
    expect(await readFile(path.join(home.folder, 'opener.env'), 'utf8')).not.toContain('hush')
    const { stdout } = await home.cli(['creds', '--json'])
    expect(JSON.parse(stdout)).toMatchObject({ endpoint: serving.ready.sts })
    // Its stdout has only the ready line, whatever the provider’s library prints.
    expect(serving.stdout().trim().split('\n')).toHaveLength(1)
    expect(serving.stderr()).toBe('')
    expect(await serving.stop()).toBe(0)
  })

  it('an interrupted browser login closes its port and releases its lock', async () => {
    const home = await openHome()
    await home.serve(['--user', 'alice:wonderland'])
    const { spawn } = await import('node:child_process')
    const { binPath } = await import('../support/e2e/harness.ts')
    const argv = [binPath, 'login', '--grant', 'browser', '--no-browser']
    const child = spawn(process.execPath, argv, {
      env: home.env,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const address = await new Promise<string>((resolve) => {
      let printed = ''
      child.stderr.on('data', (chunk: Buffer) => {
        printed += chunk.toString()
        const [found] = /https:\S+/.exec(printed) ?? []
        if (found !== undefined) resolve(found)
      })
    })
    const ended = new Promise((resolve) => child.once('exit', (...how) => resolve(how)))
    child.kill('SIGINT')
    expect(await ended).toEqual([null, 'SIGINT'])
    const callback = new URL(address).searchParams.get('redirect_uri') ?? ''
    await expect(fetch(callback)).rejects.toThrow('fetch failed')
    // The next login does not wait.
    expect((await home.cli(['login', '-q'])).code).toBe(0)
  })
})
