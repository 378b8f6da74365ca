/** The law of src/README.md, read from the sources themselves. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'

const src = path.join(import.meta.dirname, '..', 'src')

interface Import {
  readonly from: string
  /** Path below src, or a package's name. */
  readonly to: string
  readonly isTypeOnly: boolean
  /** `import()`: loaded when it is reached. */
  readonly isLazy: boolean
}

const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => name.replaceAll('\\', '/'))
  .toSorted()
const imports = files.flatMap(readImports)

function readImports(from: string): Import[] {
  const text = readFileSync(path.join(src, from), 'utf8')
  const found = text.matchAll(
    /^(?:import|export)\s+(type\s)?[^'"]*?\bfrom\s+'([^']+)'|\bimport\('([^']+)'\)/gm,
  )
  return [...found].map(([, type, fixed, lazy]) => {
    const specifier = fixed ?? lazy ?? ''
    const to = specifier.startsWith('.')
      ? path.posix.join(path.posix.dirname(from), specifier)
      : packageName(specifier)
    return { from, to, isTypeOnly: type !== undefined, isLazy: lazy !== undefined }
  })
}

function packageName(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

/** `main`, `index` and `run-process` stand above the rooms. */
function roomOf(file: string): string {
  return file.includes('/') ? (file.split('/')[0] ?? '') : 'top'
}

/** The part of the server that a file belongs to. */
function partOf(file: string): string {
  return file.split('/')[1] ?? ''
}

const mayImport: Readonly<Record<string, readonly string[]>> = {
  top: ['top', 'commands', 'client', 'server', 'base'],
  commands: ['commands', 'client', 'server', 'protocol', 'base'],
  client: ['client', 'protocol', 'base'],
  server: ['server', 'protocol', 'base'],
  protocol: ['protocol', 'base'],
  base: ['base'],
}

/** Inside the server, from the top down; a part imports itself and only what is named here, types included. */
const serverParts: Readonly<Record<string, readonly string[]>> = {
  workers: ['create-server.ts', 'open', 'options', 'aws-login', 's3', 'sessions'],
  open: ['options', 'aws-login', 'sts', 's3', 'policy', 'identity', 'sessions', 'issuer'],
  options: ['aws-login', 'sts', 's3', 'identity', 'sessions', 'issuer', 'http'],
  'aws-login': ['sts', 'identity', 'sessions', 'issuer', 'http'],
  sts: ['policy', 'identity', 'sessions', 'http'],
  admin: ['decisions', 'policy', 'identity', 'sessions', 'http'],
  decisions: ['http'],
  s3: ['policy', 'identity', 'sessions', 'http'],
  policy: ['identity', 'sessions', 'http'],
  identity: ['sessions'],
  sessions: [],
  issuer: ['http'],
  http: [],
}

const adapters: Readonly<Record<string, readonly string[]>> = {
  commander: ['commands/help/help-program.ts'],
  undici: [
    'base/http/json-client.ts',
    'base/http/stream-pool.ts',
    'base/http/line-stream.ts',
    'base/http/whole-answer.ts',
  ],
  jose: ['base/jose.ts'],
  chalk: ['base/terminal/colour.ts'],
  'fast-xml-parser': ['protocol/parse-answer-xml.ts'],
  '@clack/prompts': ['base/terminal/prompts.ts'],
  'smol-toml': ['client/config-file.ts'],
  execa: ['base/process/start-program.ts'],
  'oidc-provider': ['server/issuer/oidc-library.ts'],
  'openid-client': ['client/token/openid-provider.ts'],
  uqr: ['base/terminal/qr-code.ts'],
  '@napi-rs/keyring': ['base/keyring.ts'],
  pino: ['base/log.ts'],
  'prom-client': ['server/metrics.ts'],
  '@fastify/busboy': ['server/s3/post/read-form.ts'],
  'hash-wasm': ['server/s3/body/xxhash.ts'],
  ldapts: ['server/identity/ldap/ldap-connection.ts'],
  lmdb: ['server/s3/filesystem/store-index.ts'],
}

const isOurs = (to: string): boolean => to.endsWith('.ts')

/** Imports between different parts of the server. */
const serverImports = imports.filter(
  ({ from, to }) =>
    from.startsWith('server/') &&
    to.startsWith('server/') &&
    isOurs(to) &&
    partOf(from) !== partOf(to),
)

describe('the import law', () => {
  it('the import law is read from every file of src', () => {
    expect(files).toContain('main.ts')
    expect(imports.length).toBeGreaterThan(files.length)
  })

  it('a room imports only the rooms below it', () => {
    const broken = imports.filter(
      ({ from, to }) => isOurs(to) && mayImport[roomOf(from)]?.includes(roomOf(to)) !== true,
    )
    expect(broken).toEqual([])
  })

  it('a part of the server imports only the parts below it, types included', () => {
    const broken = serverImports.filter(
      ({ from, to }) => serverParts[partOf(from)]?.includes(partOf(to)) === false,
    )
    expect(broken).toEqual([])
  })

  it('the law names every part of the server, and allows no import that no file makes', () => {
    const folders = files.filter(
      (file) => file.startsWith('server/') && !partOf(file).endsWith('.ts'),
    )
    expect(Object.keys(serverParts).toSorted()).toEqual(
      [...new Set(folders.map(partOf))].toSorted(),
    )
    const made = new Set(serverImports.map(({ from, to }) => `${partOf(from)} → ${partOf(to)}`))
    const allowed = Object.entries(serverParts).flatMap(([from, parts]) =>
      parts.map((to) => `${from} → ${to}`),
    )
    expect(allowed.filter((edge) => !made.has(edge))).toEqual([])
  })

  it('each package is imported by its adapter only', () => {
    const packages = imports.filter(({ to }) => !isOurs(to) && !to.startsWith('node:'))
    const broken = packages.filter(
      ({ from, to }) => !to.endsWith('package.json') && adapters[to]?.includes(from) !== true,
    )
    expect(broken).toEqual([])
    expect(Object.keys(adapters).filter((name) => !packages.some(({ to }) => to === name))).toEqual(
      [],
    )
  })

  it('no files import each other in a cycle, except types', () => {
    const edges = new Map(files.map((file) => [file, [] as string[]]))
    for (const { from, to, isTypeOnly } of imports)
      if (isOurs(to) && !isTypeOnly) edges.get(from)?.push(to)
    const finished = new Set<string>()
    const findCycle = (file: string, trail: readonly string[]): readonly string[] | undefined => {
      if (trail.includes(file)) return [...trail.slice(trail.indexOf(file)), file]
      if (finished.has(file)) return undefined
      for (const next of edges.get(file) ?? []) {
        const cycle = findCycle(next, [...trail, file])
        if (cycle !== undefined) return cycle
      }
      finished.add(file)
      return undefined
    }
    expect(files.map((file) => findCycle(file, [])).filter((cycle) => cycle !== undefined)).toEqual(
      [],
    )
  })

  it('only the real outside world reads process.env, argv and the standard streams', () => {
    const readers = files.filter((file) =>
      /^(?! *(\*|\/\/|\/\*)).*process\.(env|argv|stdout|stderr|stdin)/m.test(
        readFileSync(path.join(src, file), 'utf8'),
      ),
    )
    // The library has no command line above it that could hand the environment in.
    expect(readers).toEqual(['base/process/process-io.ts', 'client/flow/client-grants.ts'])
  })
})

describe('folders', () => {
  const folderOf = (file: string): string => path.posix.dirname(file)

  it('no two folders import each other, not even types', () => {
    const edges = new Map<string, string>()
    for (const { from, to } of imports)
      if (isOurs(to) && folderOf(from) !== folderOf(to))
        edges.set(`${folderOf(from)} → ${folderOf(to)}`, `${from} → ${to}`)
    const pairs = [...edges.keys()].filter((edge) => {
      const [from = '', to = ''] = edge.split(' → ')
      return edges.has(`${to} → ${from}`)
    })
    expect(pairs.map((edge) => edges.get(edge))).toEqual([])
  })

  it('no S3 operation imports another', () => {
    const folder = 'server/s3/operations'
    const operations = imports.filter(({ from }) => folderOf(from) === folder)
    expect(operations.length).toBeGreaterThan(50)
    expect(operations.filter(({ to }) => folderOf(to) === folder)).toEqual([])
  })

  it('the map of src/README.md has every folder of src, and no other', () => {
    const folders = new Set(files.map(folderOf).filter((folder) => folder !== '.'))
    expect([...readMap().folders].toSorted()).toEqual([...folders].toSorted())
  })

  it('every file that the map names exists', () => {
    const named = readMap().files
    expect(named.length).toBeGreaterThan(10)
    expect(named.filter((name) => !files.includes(name))).toEqual([])
  })
})

/** The folders and files in the first code block of src/README.md: two spaces of indent a level, a folder ends in `/`, one entry a line or more. */
function readMap(): { folders: Set<string>; files: string[] } {
  const [, block = ''] =
    /```\n([^]*?)```/.exec(readFileSync(path.join(src, 'README.md'), 'utf8')) ?? []
  const trail: string[] = []
  const folders = new Set<string>()
  const named: string[] = []
  for (const line of block.split('\n')) {
    const [, indent = '', entry] = /^( *)([\w./-]+)(?: {2,}|$)/.exec(line) ?? []
    if (entry === undefined || entry.startsWith('bin/')) continue
    trail.length = indent.length / 2
    const whole = [...trail, entry.replace(/\/$/, '')].join('/')
    if (entry.endsWith('/')) {
      folders.add(whole)
      trail.push(entry.slice(0, -1))
    } else named.push(entry.endsWith('.ts') ? whole : `${whole}.ts`)
  }
  return { folders, files: named }
}

describe('tests', () => {
  const root = path.join(import.meta.dirname)
  const testFiles = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => name.replaceAll('\\', '/'))
  const rooms = new Set(['base', 'client', 'commands', 'protocol', 'server'])

  it('tests of a room lie in folders that src has too', () => {
    const strangers = testFiles.filter(
      (name) =>
        rooms.has(name.split('/')[0] ?? '') &&
        !existsSync(path.join(src, path.posix.dirname(name))),
    )
    expect(strangers).toEqual([])
  })

  it('what tests of rooms share is in test/support', () => {
    const helpers = testFiles.filter(
      (name) => rooms.has(name.split('/')[0] ?? '') && !name.endsWith('.test.ts'),
    )
    expect(helpers).toEqual([])
  })

  it('no test file is imported', () => {
    const imported = testFiles.flatMap((name) =>
      [...readFileSync(path.join(root, name), 'utf8').matchAll(/from '([^']+\.test\.ts)'/g)].map(
        ([, to]) => `${name} → ${to}`,
      ),
    )
    expect(imported).toEqual([])
  })
})

describe('a login by client credentials', () => {
  it('a login by client credentials loads no OAuth library before it needs one', () => {
    const reached = new Set<string>()
    const lazy = new Set(
      imports.filter(({ isLazy }) => isLazy).map(({ from, to }) => `${from} ${to}`),
    )
    const visit = (file: string): void => {
      if (reached.has(file)) return
      reached.add(file)
      for (const { from, to, isTypeOnly } of imports)
        if (from === file && !isTypeOnly && !lazy.has(`${from} ${to}`)) visit(to)
    }
    visit('commands/login.ts')
    // The grant is loaded when it is used.
    visit('client/token/client-credentials.ts')
    expect([...reached]).toContain('client/sts-client.ts')
    expect([...reached].filter((name) => name === 'openid-client' || name === 'jose')).toEqual([])
  })
})

describe('exports', () => {
  it('no file of src has a default export', () => {
    const text = (file: string): string => readFileSync(path.join(src, file), 'utf8')
    expect(
      files.filter((file) => /^export default|^export \{[^}]*\bas default\b/m.test(text(file))),
    ).toEqual([])
  })
})

describe('keys', () => {
  it('keys are generated only where they are read from their PEM, because Node 20 can stop for ever on others', () => {
    const root = path.join(src, '..')
    const callers = ['src', 'test', 'bench']
      .flatMap((folder) =>
        readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
          .filter((name) => /\.m?[jt]s$/.test(name))
          .map((name) => `${folder}/${name.replaceAll('\\', '/')}`),
      )
      .filter((file) =>
        /generateKeyPair(?:Sync)?\(['"]|promisify\(generateKeyPair\b/.test(
          readFileSync(path.join(root, file), 'utf8'),
        ),
      )
    expect(callers.toSorted()).toEqual([
      'src/server/http/self-signed-certificate.ts',
      'src/server/issuer/generate-signing-key.ts',
      'test/support/generate-keys.ts',
    ])
  })
})

describe('sizes', () => {
  it('no file of src has more than 300 lines', () => {
    const long = files.filter((file) => lineCount(readFileSync(path.join(src, file), 'utf8')) > 300)
    expect(long).toEqual([])
  })

  it('no function of src has more than 60 lines', () => {
    const long = files.flatMap((file) =>
      findFunctions(readFileSync(path.join(src, file), 'utf8'))
        .filter(({ lines }) => lines > 60)
        .map(({ name, lines }) => `${file}: ${name} has ${lines} lines`),
    )
    expect(long).toEqual([])
  })
})

function lineCount(text: string): number {
  return text.trimEnd().split('\n').length
}

/** Top-level functions, by the formatter's rule that their closing brace stands alone in the first column. */
function findFunctions(text: string): { name: string; lines: number }[] {
  const found = text.matchAll(/^(?:export )?(?:async )?function\*? (\w+)[\s\S]*?^\}$/gm)
  return [...found].map(([body, name = '']) => ({ name, lines: lineCount(body) }))
}
