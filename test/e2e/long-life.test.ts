import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chown, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Fake, startFake, stsAnswer, tokenAnswer } from '../support/commands/harness.ts'
import { binPath, type Home, openHome, type Ran } from '../support/e2e/harness.ts'

interface Stage {
  readonly home: Home
  readonly idp: Fake
  readonly sts: Fake
  readonly flags: readonly string[]
  readonly cache: string
}

/** Opens a home for real processes, and fake servers that count their requests. */
async function openProcesses(idpAnswer: Fake['answer'] = tokenAnswer()): Promise<Stage> {
  const home = await openHome()
  const idp = await startFake(idpAnswer)
  const sts = await startFake(() =>
    stsAnswer(undefined, { expirationText: new Date(Date.now() + 3_600_000).toISOString() }),
  )
  const flags = ['-idp-ep', `${idp.url}/token`, '-sts-ep', sts.url, '-cid', 'c', '-csec', 's']
  return { home, idp, sts, flags, cache: path.join(home.folder, '.cache', 'sts-cli') }
}

const quote = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`
/** Runs the built command in a shell whose processes cannot create a file longer than zero bytes, which fails like a full disk. */
const onFullDisk = ({ home }: Stage, argv: readonly string[], redirect = ''): Promise<Ran> =>
  home.shell('bash', `ulimit -f 0; exec sts-cli ${argv.map(quote).join(' ')} ${redirect}`)

async function listAll(folder: string): Promise<string[]> {
  return (await readdir(folder, { recursive: true })).toSorted()
}

describe('50 processes without cached credentials', () => {
  it('50 simultaneous processes make one request to the identity provider and one to the STS', async () => {
    const { home, idp, sts, flags, cache } = await openProcesses()
    const argv = ['credential-process', '--timeout', '100s', ...flags]
    const runs = await Promise.all(Array.from({ length: 50 }, () => home.cli(argv)))

    expect(new Set(runs.map(({ code, stderr }) => `${code} ${stderr}`))).toEqual(new Set(['0 ']))
    expect(new Set(runs.map(({ stdout }) => stdout)).size).toBe(1)
    expect({ idp: idp.seen.length, sts: sts.seen.length }).toEqual({ idp: 1, sts: 1 })
    expect(await readdir(cache)).toEqual(['profile-default.json'])
  }, 110_000)
})

describe('interrupted login', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('a waiting login ends with %s and leaves no lock file', async (name, exitCode) => {
    let tellAsked: () => void = () => {}
    const asked = new Promise<void>((resolve) => (tellAsked = resolve))
    const { home, flags, cache } = await openProcesses(() => {
      tellAsked()
      return 'hang'
    })
    // A shell reports how the command ended, as scripts see it.
    const script = `'${process.execPath}' '${binPath}' login ${flags.join(' ')} & echo $!; wait $!; exit $?`
    const shell = spawn('bash', ['-c', `set -m; ${script}`], {
      env: home.env,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    onTestFinished(() => void shell.kill('SIGKILL'))
    const [pid] = (await once(shell.stdout, 'data')) as [Buffer]
    await asked
    expect(await readdir(cache)).toEqual(['default.lock'])
    process.kill(Number(pid.toString()), name)
    expect(await once(shell, 'exit')).toEqual([exitCode, null])
    expect(await listAll(path.dirname(cache))).toEqual(['sts-cli'])
  })
})

describe.skipIf(process.platform === 'win32')('full disk', () => {
  it('a full disk exits 73, keeps the cached credentials and leaves no partial file', async () => {
    const stage = await openProcesses()
    await stage.home.cli(['login', '-q', ...stage.flags])
    await stage.home.cli(['config', 'set', 'scope', 'before'])
    const before = await listAll(stage.home.folder)
    const file = path.join(stage.cache, 'profile-default.json')
    const cached = await readFile(file, 'utf8')

    const runs = [
      await onFullDisk(stage, ['login', ...stage.flags]),
      await onFullDisk(stage, ['creds', '-o', path.join(stage.home.folder, 'out.json')]),
      await onFullDisk(stage, ['write']),
      await onFullDisk(stage, ['config', 'set', 'scope', 'after']),
    ]
    expect(runs.map(({ code, stdout }) => ({ code, stdout }))).toEqual(
      runs.map(() => ({ code: 73, stdout: '' })),
    )
    for (const { stderr } of runs) expect(stderr).toMatch(/^error: .*cannot be /)
    expect(await readFile(file, 'utf8')).toBe(cached)
    const after = (await listAll(stage.home.folder)).filter((name) => !/^(bin|\.aws)/.test(name))
    expect(after).toEqual(before)
    expect(await readdir(path.join(stage.home.folder, '.aws'))).toEqual([])
  })

  it('stdout on a full disk exits 74', async () => {
    const stage = await openProcesses()
    await stage.home.cli(['login', '-q', ...stage.flags])
    const out = path.join(stage.home.folder, 'out')
    const runs = [await onFullDisk(stage, ['creds'], `>${out}`)]
    if (process.platform === 'linux')
      runs.push(await stage.home.shell('bash', 'exec sts-cli creds >/dev/full'))
    for (const { code, stderr } of runs) {
      expect({ code, stderr }).toMatchObject({ code: 74 })
      expect(stderr).toMatch(/^error: /)
    }
  })
})

describe('foreign cache entries', () => {
  it.skipIf(process.getuid?.() !== 0)(
    'creds does not read credentials of another user',
    async () => {
      const { home, flags, cache } = await openProcesses()
      await home.cli(['login', '-q', ...flags])
      await chown(path.join(cache, 'profile-default.json'), 12_345, 12_345)
      expect(await home.cli(['creds'])).toMatchObject({ code: 77, stdout: '' })
      expect((await home.cli(['status'])).code).toBe(1)
    },
  )

  it('creds neither reads nor changes credentials of a newer version', async () => {
    const { home, cache } = await openProcesses()
    await mkdir(cache, { recursive: true, mode: 0o700 })
    const file = path.join(cache, 'profile-default.json')
    const text = '{"version":2,"accessKeyId":"NEWER","profile":"default"}\n'
    await writeFile(file, text, { mode: 0o600 })
    for (const command of ['creds', 'env', 'credential-process'])
      expect((await home.cli([command])).code).toBe(77)
    expect((await home.cli(['status'])).code).toBe(1)
    expect(await readFile(file, 'utf8')).toBe(text)
  })
})

describe('unusable cache folder', () => {
  // Node’s own recursive mkdir never returns for such a folder.
  it.skipIf(process.platform !== 'linux')('login refuses a cache below /proc', async () => {
    const { home, flags } = await openProcesses()
    const child = spawn(process.execPath, [binPath, 'login', ...flags], {
      env: { ...home.env, XDG_CACHE_HOME: '/proc/nowhere' },
      stdio: 'ignore',
      timeout: 15_000,
      killSignal: 'SIGKILL',
    })
    expect(await once(child, 'exit')).toEqual([73, null])
  })

  it('login -q warns that nothing is cached without a home folder', async () => {
    const { home, flags } = await openProcesses()
    const ran = await home.cli(['login', '-q', ...flags], { env: { HOME: '' } })
    expect(ran).toEqual({
      code: 0,
      stdout: '',
      stderr:
        'warning: there is no home folder, so nothing is remembered; set HOME or XDG_CACHE_HOME\n',
    })
    const wanted = await home.cli(['login', '-q', '--cache', 'none', ...flags], {
      env: { HOME: '' },
    })
    expect(wanted.stderr).toBe('')
  })
})
