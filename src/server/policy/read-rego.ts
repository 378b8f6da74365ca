/** What a Rego file or folder holds: its packages, by OPA's own reading, and which of them is to be asked. */
import path from 'node:path'
import { StsCliError } from '../../base/errors.ts'
import { startProgram, type ProgramEnd } from '../../base/process/start-program.ts'
import type { Log } from '../../base/log.ts'
import { isObject, parseJsonObject } from '../../base/parse.ts'

export interface ReadRegoOptions {
  readonly rego: string
  readonly query: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  readonly log: Log
}

export interface RegoFacts {
  /** Path of the document below `/v1/data/`. */
  readonly queryPath: string
  /** Flags that this Rego needs wherever OPA reads it. */
  readonly flags: readonly string[]
}

/** MinIO's guides and samples have it in this package. */
const usualPackage = 'httpapi/authz'

/**
 * Finds what to ask. Rego from before OPA 1.0, as MinIO's guide of 2018 has it, is read as such when today's reading fails.
 *
 * @throws {StsCliError} `ERR_CONFIG` where there is no `opa`, where it refuses the Rego, or where several packages could be meant;
 *   `ERR_USAGE` for a query that is none.
 */
export async function readRego({ rego, query, env, log }: ReadRegoOptions): Promise<RegoFacts> {
  const inspect = (flags: readonly string[]): Promise<ProgramEnd> =>
    startProgram({
      argv: ['opa', 'inspect', '--format', 'json', ...flags, path.resolve(rego)],
      env,
    }).ended
  const asked = query === undefined ? undefined : readQuery(query)
  const today = await inspect([])
  if (today.isSuccess) return { flags: [], queryPath: asked ?? choosePackage(today.stdout, rego) }
  const older = ['--v0-compatible']
  const then = today.isMissing ? today : await inspect(older)
  if (!then.isSuccess) throw refuseRego(rego, today)
  log.warn({ rego }, 'this Rego is from before OPA 1.0: it is read with --v0-compatible')
  return { flags: older, queryPath: asked ?? choosePackage(then.stdout, rego) }
}

/** `httpapi/authz`, `data.httpapi.authz.allow`, `/v1/data/httpapi/authz`: all name a document. */
function readQuery(query: string): string {
  const names = query
    .replace(/^\/?v1\/data\//, '')
    .replace(/^data[./]/, '')
    .replace(/^\/|\/$/g, '')
    .split(/[./]/)
  if (names.every((name) => /^[A-Za-z0-9_-]+$/.test(name))) return names.join('/')
  throw new StsCliError(
    'rego-query-invalid',
    `the Rego query ${JSON.stringify(query)} is not a document`,
    {
      stage: 'serve',
    },
  )
}

function choosePackage(inspected: string, rego: string): string {
  const namespaces = parseJsonObject(inspected)?.['namespaces']
  const packages = Object.keys(isObject(namespaces) ? namespaces : {})
    .filter((name) => name.startsWith('data.') && !name.endsWith('_test'))
    .map((name) => name.slice('data.'.length).replaceAll('.', '/'))
  const [only, ...more] = packages
  if (only !== undefined && more.length === 0) return only
  if (packages.includes(usualPackage)) return usualPackage
  throw new StsCliError(
    only === undefined ? 'rego-empty' : 'rego-query-missing',
    only === undefined ? `${rego} holds no Rego` : `${rego} holds ${packages.length} packages`,
    {
      stage: 'serve',
      details: { known: packages.slice(0, 8) },
    },
  )
}

/** OPA does not go with this Rego: why, in its own words. */
export function refuseRego(rego: string, end: ProgramEnd): StsCliError {
  if (end.isMissing)
    return new StsCliError('opa-missing', 'Rego needs the program opa, and the PATH has none', {
      stage: 'serve',
    })
  return new StsCliError('rego-invalid', `opa does not take ${rego} (${end.how})`, {
    stage: 'serve',
    serverMessage: toWords(end),
  })
}

/** A program's last words without control characters; lines stay, for they show the place. OPA says some on stdout. */
export function toWords({ stderr, stdout }: ProgramEnd): string {
  return (stderr.trim() === '' ? stdout : stderr)
    .replaceAll(/[^\n\t\u0020-\u007e\u00a0-\uffff]/g, '')
    .trim()
    .slice(-2000)
}
