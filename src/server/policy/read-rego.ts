/** Reads a Rego file or folder with `opa inspect`: its packages, and the one to query. */
import path from 'node:path'
import { StsCliError } from '../../base/errors.ts'
import { startProgram, type ProgramEnd } from '../../base/process/start-program.ts'
import type { Log } from '../../base/log.ts'
import { isObject, parseJsonObject } from '../../base/parse.ts'

export interface ReadRegoOptions {
  /** Path of the Rego file or folder. */
  readonly rego: string
  /** The value of `--rego-query`; undefined to find the package in the Rego. */
  readonly query: string | undefined
  /** The environment of `opa`. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly log: Log
}

export interface InspectedRego {
  /** Path of the document below `/v1/data/`. */
  readonly queryPath: string
  /** Flags that OPA needs to read this Rego. */
  readonly flags: readonly string[]
}

/** The package of MinIO's guides and samples. */
const minioPackage = 'httpapi/authz'

/**
 * Returns the document to query and the flags that OPA needs. When OPA 1.x rejects the Rego, it is read with the syntax from before OPA 1.0,
 * which MinIO's guide of 2018 uses.
 *
 * @throws {StsCliError} `ERR_CONFIG` when there is no `opa`, when it rejects the Rego, or when the Rego has several packages and none is
 *   MinIO's; `ERR_USAGE` for a query that is not the name of a document.
 */
export async function readRego({ rego, query, env, log }: ReadRegoOptions): Promise<InspectedRego> {
  const inspect = (flags: readonly string[]): Promise<ProgramEnd> =>
    startProgram({
      argv: ['opa', 'inspect', '--format', 'json', ...flags, path.resolve(rego)],
      env,
    }).ended
  const givenPath = query === undefined ? undefined : toQueryPath(query)
  const current = await inspect([])
  if (current.isSuccess)
    return { flags: [], queryPath: givenPath ?? choosePackage(current.stdout, rego) }
  const legacyFlags = ['--v0-compatible']
  const legacy = current.isMissing ? current : await inspect(legacyFlags)
  if (!legacy.isSuccess) throw toRegoError(rego, current)
  log.warn({ rego }, 'this Rego is from before OPA 1.0: it is read with --v0-compatible')
  return { flags: legacyFlags, queryPath: givenPath ?? choosePackage(legacy.stdout, rego) }
}

/** Accepts each form in which a document is named: `httpapi/authz`, `data.httpapi.authz.allow` and `/v1/data/httpapi/authz`. */
function toQueryPath(query: string): string {
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
  if (packages.includes(minioPackage)) return minioPackage
  throw new StsCliError(
    only === undefined ? 'rego-empty' : 'rego-query-missing',
    only === undefined ? `${rego} holds no Rego` : `${rego} holds ${packages.length} packages`,
    {
      stage: 'serve',
      details: { known: packages.slice(0, 8) },
    },
  )
}

/** Returns the error for a Rego that OPA rejects, or for a missing `opa`. It carries OPA's own message. */
export function toRegoError(rego: string, end: ProgramEnd): StsCliError {
  if (end.isMissing)
    return new StsCliError('opa-missing', 'Rego needs the program opa, and the PATH has none', {
      stage: 'serve',
    })
  return new StsCliError('rego-invalid', `opa does not take ${rego} (${end.how})`, {
    stage: 'serve',
    serverMessage: toMessage(end),
  })
}

/**
 * Returns the last 2000 characters that a program wrote, without control characters. Line breaks stay, because OPA points to the place of
 * an error on a line of its own. Stdout is used when stderr is empty: OPA writes some errors there.
 */
export function toMessage({ stderr, stdout }: ProgramEnd): string {
  return (stderr.trim() === '' ? stdout : stderr)
    .replaceAll(/[^\n\t\u0020-\u007e\u00a0-\uffff]/g, '')
    .trim()
    .slice(-2000)
}
