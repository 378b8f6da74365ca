/** The law of src/README.md, read from the sources themselves. */
import { readdirSync, readFileSync } from 'node:fs'
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

/** Inside the server, from the top down; a part may import what stands after it. */
const serverParts: Readonly<Record<string, readonly string[]>> = {
  sts: ['sts', 'policy', 'identity', 'sessions', 'http'],
  admin: ['admin', 'policy', 'identity', 'sessions', 'http'],
  s3: ['s3', 'policy', 'identity', 'sessions', 'http'],
  policy: ['policy', 'identity', 'sessions', 'http'],
  identity: ['identity', 'sessions'],
  sessions: ['sessions'],
  http: ['http'],
  issuer: ['issuer', 'http'],
}

const doors: Readonly<Record<string, readonly string[]>> = {
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
  selfsigned: ['server/http/self-signed-certificate.ts'],
  'openid-client': ['client/token/openid-provider.ts'],
  uqr: ['base/terminal/qr-code.ts'],
  '@napi-rs/keyring': ['base/keyring.ts'],
  pino: ['base/log.ts'],
  'prom-client': ['server/metrics.ts'],
  '@fastify/busboy': ['server/s3/post/read-form.ts'],
  ldapts: ['server/identity/ldap/ldap-connection.ts'],
}

const isOurs = (to: string): boolean => to.endsWith('.ts')

describe('the import law', () => {
  it('is read from every file', () => {
    expect(files).toContain('main.ts')
    expect(imports.length).toBeGreaterThan(files.length)
  })

  it('lets rooms import only those below them', () => {
    const broken = imports.filter(
      ({ from, to }) => isOurs(to) && mayImport[roomOf(from)]?.includes(roomOf(to)) !== true,
    )
    expect(broken).toEqual([])
  })

  it('lets parts of the server import only those below them', () => {
    const broken = imports.filter(({ from, to, isTypeOnly }) => {
      const allowed = serverParts[partOf(from)]
      const isInside = from.startsWith('server/') && to.startsWith('server/') && isOurs(to)
      if (!isInside || allowed === undefined || allowed.includes(partOf(to))) return false
      // The shape of an address or of the options is everybody's.
      return !(isTypeOnly && partOf(to).endsWith('.ts'))
    })
    expect(broken).toEqual([])
  })

  it('keeps each package behind one door', () => {
    const packages = imports.filter(({ to }) => !isOurs(to) && !to.startsWith('node:'))
    const broken = packages.filter(
      ({ from, to }) => !to.endsWith('package.json') && doors[to]?.includes(from) !== true,
    )
    expect(broken).toEqual([])
    expect(Object.keys(doors).filter((name) => !packages.some(({ to }) => to === name))).toEqual([])
  })

  it('has no cycles among values', () => {
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

  it('leaves process.env to the real outside world', () => {
    const readers = files.filter((file) =>
      /^(?! *(\*|\/\/|\/\*)).*process\.(env|argv|stdout|stderr|stdin)/m.test(
        readFileSync(path.join(src, file), 'utf8'),
      ),
    )
    // The library has no command line above it that could hand the environment in.
    expect(readers).toEqual(['base/process/process-io.ts', 'client/flow/client-grants.ts'])
  })
})

describe('a login by client credentials', () => {
  it('loads no OAuth library before it needs one', () => {
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
    expect([...reached]).toContain('client/token/client-credentials.ts')
    expect([...reached].filter((name) => name === 'openid-client' || name === 'jose')).toEqual([])
  })
})

describe('sizes', () => {
  it('keeps files to 300 lines', () => {
    const long = files.filter((file) => lineCount(readFileSync(path.join(src, file), 'utf8')) > 300)
    expect(long).toEqual([])
  })

  it('keeps functions to 60 lines', () => {
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
