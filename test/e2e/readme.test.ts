import { readFileSync, readdirSync } from 'node:fs'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { commandTable } from '../../src/commands/options/command-table.ts'
import { exitCodes } from '../../src/base/error-reasons.ts'
import { findBlock, interopHeadings, readBlocks, readme } from '../support/readme-blocks.ts'
import { binPath, type Home, openHome, type Ran, type Serving } from '../support/e2e/harness.ts'

const root = path.join(import.meta.dirname, '..', '..')

/** Opens a home in which the commands of the page work: `sts-cli serve` uses free ports, and `aws` is AWS’s SDK. */
async function openReader(): Promise<Home & { runBlock(name: string): Promise<Ran> }> {
  const home = await openHome()
  // Not `bin`: the harness has its own wrapper there, which would use the ports of the page.
  const bin = path.join(home.folder, 'reader-bin')
  await mkdir(bin, { recursive: true })
  const write = (name: string, script: string): Promise<void> =>
    writeFile(path.join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  const cli = `'${process.execPath}' '${binPath}'`
  const free = '--address 127.0.0.1:0 --idp-address 127.0.0.1:0'
  await write(
    'sts-cli',
    `[ "$1" = serve ] && shift && exec ${cli} serve ${free} "$@"\nexec ${cli} "$@"`,
  )
  await write(
    'aws',
    `exec '${process.execPath}' '${path.join(import.meta.dirname, '..', 'support', 'e2e', 'aws-stand-in.mjs')}' "$@"`,
  )
  const env = {
    ...home.env,
    PATH: `${bin}:${home.env['PATH'] ?? ''}`,
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  }
  return {
    ...home,
    env,
    runBlock: (name) => runIn(home, env, findBlock(name).text),
  }
}

function runIn(home: Home, env: Readonly<Record<string, string>>, script: string): Promise<Ran> {
  const exports = Object.entries(env).map(([name, value]) => `export ${name}='${value}'`)
  return home.shell(
    'bash',
    [...exports, 'set -euo pipefail', `cd '${home.folder}'`, script].join('\n'),
  )
}

const done = { code: 0, stderr: '' }

async function serveFor(home: Home): Promise<Serving> {
  return home.serve(['--bucket', 'my-bucketname', '--bucket', 'hello'])
}

describe('README.md', () => {
  it('a test runs every block of README.md', () => {
    const typed = readBlocks().filter(({ language }) => language !== '')
    const text = [
      import.meta.filename,
      path.join(import.meta.dirname, 'readme-identity-sources.test.ts'),
    ]
      .map((file) => readFileSync(file, 'utf8'))
      .join('')
    const unrun = typed
      .filter(({ heading }) => !interopHeadings.includes(heading))
      .filter(({ name }) => !text.includes(`'${name}'`))
    expect(unrun.map(({ name }) => name)).toEqual([])
  })

  it('README.md starts with the commands that install and start the server', async () => {
    expect(findBlock('sts-cli 1').text).toBe('npm install -g sts-cli\nsts-cli serve\n')
    const serving = await (await openHome()).serve()
    expect(await serving.stop()).toBe(0)
  })

  it('README.md’s first block logs in and stores an object in a bucket', async () => {
    const reader = await openReader()
    await reader.serve()
    const { stdout, ...rest } = await reader.runBlock('sts-cli 2')
    expect(rest).toEqual(done)
    expect(stdout).toMatch(/^##### Credentials\n\{[^}]+\}\nmake_bucket: hello\n13 world\.txt\n$/)
  })

  it('README.md shows the output format of login', async () => {
    const home = await openHome()
    await home.serve()
    const { stdout } = await home.cli(['login'])
    const toShape = (text: string): string => text.replaceAll(/: ".*"/g, ': "…"')
    expect(toShape(stdout)).toBe(toShape(findBlock('sts-cli 3').text))
  })

  it('README.md’s commands for your own provider and STS work in one step and in two', async () => {
    const reader = await openReader()
    const client = 'PoEgXP6uVO45IsENRngDXj5Au5Ya'
    const secret = 'a secret of the identity provider'
    const { ready } = await reader.serve([
      '--bucket',
      'my-bucketname',
      '--client',
      `${client}:${secret}`,
    ])
    await writeFile(path.join(reader.folder, 'client-secret.txt'), `${secret}\n`)
    const login = findBlock('Your own identity provider and STS 1').text
    const halves = findBlock('Your own identity provider and STS 2').text
    const dropIn = findBlock('Your own identity provider and STS 3').text
    const here = login
      .replace('https://localhost:9443/oauth2/token', ready.idp)
      .replace('http://localhost:9000', ready.sts)
    expect(here).not.toBe(login)
    const ran = await runIn(reader, reader.env, [here, halves, dropIn].join('\n'))
    expect(ran).toMatchObject({
      code: 0,
      stderr: 'Uploaded my-objectname of size: 12 Successfully.\n',
    })
    expect(ran.stdout.match(/"accessKey"/g)).toHaveLength(3)
    expect(ran.stdout).toContain(`ok: meant for ${client}`)
  })

  it('README.md’s everyday commands work', async () => {
    const reader = await openReader()
    await serveFor(reader)
    await reader.cli(['login', '-q'])
    const { stdout, ...rest } = await reader.runBlock('Everyday 1')
    expect(rest).toEqual(done)
    expect(stdout).toMatch(/^profile default: [A-Z0-9]{20} at http/)
    expect(stdout).toContain('hello\nmy-bucketname\n')
    expect(stdout).toContain('set -gx AWS_ACCESS_KEY_ID ')
  })

  it('README.md’s commands save settings in a profile', async () => {
    const reader = await openReader()
    const { stdout, ...rest } = await reader.runBlock('Everyday 2')
    const file = path.join(reader.folder, '.config', 'sts-cli', 'config.toml')
    expect(rest).toEqual(done)
    expect(stdout).toBe(`https://localhost:9443/oauth2/token\tprofile ci in ${file}\nci\n`)
  })

  it('README.md’s commands write the files of AWS’s programs', async () => {
    const reader = await openReader()
    await serveFor(reader)
    await reader.cli(['login', '-q'])
    const { stdout, ...rest } = await reader.runBlock('Everyday 3')
    expect(rest).toEqual(done)
    expect(stdout).toContain('+aws_secret_access_key = …\n')
    const ran = await runIn(reader, { ...reader.env, AWS_PROFILE: 'minio' }, 'aws s3 ls')
    expect(ran).toEqual({ ...done, stdout: 'hello\nmy-bucketname\n' })
    const fetched = await runIn(reader, { ...reader.env, AWS_PROFILE: 'minio2' }, 'aws s3 ls')
    expect(fetched).toEqual(ran)
  })

  it('README.md’s profile lets AWS’s programs fetch credentials', async () => {
    const reader = await openReader()
    const { ready } = await serveFor(reader)
    await reader.cli(['login', '-q'])
    const profile = findBlock('Everyday 4').text
    const here = profile.replace('http://localhost:9000', ready.sts)
    expect(here).not.toBe(profile)
    await mkdir(path.join(reader.folder, '.aws'))
    await writeFile(path.join(reader.folder, '.aws', 'config'), here)
    const ran = await runIn(reader, { ...reader.env, AWS_PROFILE: 'minio' }, 'aws s3 ls')
    expect(ran).toEqual({ ...done, stdout: 'hello\nmy-bucketname\n' })
  })

  it('README.md’s gateway runs in front of an existing S3', async () => {
    const reader = await openReader()
    const { ready } = await serveFor(reader)
    const { accessKey, secretKey } = ready
    await writeFile(path.join(reader.folder, 'secret-key.txt'), `${secretKey}\n`)
    const block = findBlock('In front of an S3 that you have 1').text.trimEnd()
    const here = block
      .replace('AKIAIOSFODNN7EXAMPLE', accessKey)
      .replace('https://s3.example.com', ready.sts)
    expect(here).toContain(ready.sts)
    const ran = await runIn(reader, reader.env, `${here} -- aws s3 ls`)
    expect(ran).toEqual({ ...done, stdout: 'hello\nmy-bucketname\n' })
  })

  it('README.md’s CI block runs a test suite with credentials in its environment', async () => {
    const reader = await openReader()
    const scripts = { test: 'aws s3 ls' }
    await writeFile(path.join(reader.folder, 'package.json'), JSON.stringify({ scripts }))
    const { code, stdout } = await reader.runBlock('In CI 1')
    expect([code, stdout]).toEqual([0, expect.stringMatching(/\ntest-bucket\n$/)])
  })

  it('README.md’s program puts an object', async () => {
    const { folder, env, shell } = await openReader()
    const modules = path.join(folder, 'node_modules')
    await mkdir(path.join(modules, '@aws-sdk'), { recursive: true })
    await symlink(root, path.join(modules, 'sts-cli'))
    const sdk = path.join('@aws-sdk', 'client-s3')
    await symlink(path.join(root, 'node_modules', sdk), path.join(modules, sdk))
    const program = path.join(folder, 'program.mjs')
    // Node 20 does not support `await using` without a compiler.
    const [declaration = ''] = /await using server = .*/.exec(findBlock('In code 1').text) ?? []
    const text = findBlock('In code 1').text.replace(
      declaration,
      declaration.replace('await using', 'const'),
    )
    await writeFile(
      program,
      `${text}\nconsole.log(await s3.config.region())\nawait server.stop()\n`,
    )
    const { stdout, code } = await shell(
      'sh',
      `HOME='${env['HOME'] ?? ''}' '${process.execPath}' '${program}'`,
    )
    expect([code, stdout]).toEqual([0, 'us-east-1\n'])
  })
})

describe('tables of README.md', () => {
  it('README.md’s table has every command as in its help', () => {
    const table = readme.slice(readme.indexOf('## Commands'), readme.indexOf('## Exit codes'))
    const rows = commandTable.map(({ name, operands, summary }) => {
      const usage = `sts-cli ${name} ${operands}`.trim().replaceAll('|', '\\|')
      return `| \`${usage}\` | ${summary} |`
    })
    expect(table.split('\n').filter((line) => line.startsWith('| `'))).toEqual(rows)
  })

  it('README.md’s table has every exit code and no other', () => {
    const table = readme.slice(readme.indexOf('## Exit codes'), readme.indexOf('## Security'))
    const codes = [...table.matchAll(/^\| ([\d, ]+) \|/gm)].flatMap(([, cell = '']) =>
      cell.split(',').map(Number),
    )
    expect(codes).toEqual([0, ...Object.values(exitCodes), 126, 127, 130, 143])
  })

  it('README.md names every server variable that the code reads, and no other', () => {
    const names = new Set(
      readSources().flatMap((text) => text.match(/MINIO_[A-Z0-9_]*[A-Z0-9]/g) ?? []),
    )
    const written: string[] = readme.match(/MINIO_[A-Z0-9_]*[A-Z0-9]/g) ?? []
    const endings = (readme.match(/`_[A-Z0-9_]+`/g) ?? []).map((ending) => ending.slice(1, -1))
    const isWritten = (name: string): boolean =>
      // The code builds some names from a prefix.
      written.some((whole) => whole === name || whole.startsWith(`${name}_`)) ||
      endings.some((ending) => name.endsWith(ending))
    expect([...names].filter((name) => !isWritten(name))).toEqual([])
    expect(written.filter((name) => !names.has(name))).toEqual([])
  })
})

function readSources(): string[] {
  const folder = path.join(root, 'src', 'commands', 'serve')
  return readdirSync(folder)
    .map((name) => readFileSync(path.join(folder, name), 'utf8'))
    .map((text) => text.replace(/^const unsupported[^]*?^}$/m, ''))
}
