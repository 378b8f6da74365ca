/** Finds the route of a request in a backend's table: by method, level, query and header. Parameters that no route reads are refused. */
import type { Query } from '../../../protocol/query.ts'
import { AwsError } from '../../../protocol/aws-error.ts'
import type { Address } from './address.ts'

export type Level = 'service' | 'bucket' | 'object'

/** What selects a route, and the query parameters that it reads. */
export interface Route {
  readonly method: string
  readonly level: Level
  /** Query parameters that must be there, as `name` or `name=value`. */
  readonly required?: readonly string[]
  /** Further query parameters that the operation reads. */
  readonly optional?: readonly string[]
  /** A header that must be there. */
  readonly header?: string | undefined
}

/** The parts of a request that select its route. */
export interface RouteRequest {
  readonly method: string
  readonly level: Level
  readonly query: Query
  readonly headers: ReadonlyMap<string, string>
}

export interface MatchOptions {
  /** Returns whether a query parameter may come with any route, such as one for access logs only. */
  readonly isIgnored?: (parameter: string) => boolean
  /** Returns the message of `NotImplemented` for a query parameter that the route does not read. */
  readonly describeUnknown: (parameter: string, request: RouteRequest) => string
}

/** Query parameters that every list of objects reads. */
export const listParameters = ['delimiter', 'encoding-type', 'max-keys', 'prefix']

/** Query parameters that set headers of the response to GetObject and HeadObject. */
export const responseOverrides = [
  'response-cache-control',
  'response-content-disposition',
  'response-content-encoding',
  'response-content-language',
  'response-content-type',
  'response-expires',
]

/** Query parameters that ListMultipartUploads reads besides `uploads`. */
export const uploadListParameters = [
  'delimiter',
  'encoding-type',
  'key-marker',
  'max-uploads',
  'prefix',
  'upload-id-marker',
]

/** Query parameters that ListBuckets reads. */
export const bucketListParameters = ['bucket-region', 'continuation-token', 'max-buckets', 'prefix']

/** Returns the method and level of a route written as `GET bucket`. */
export function parseRoute(at: `${string} ${Level}`): Pick<Route, 'method' | 'level'> {
  const [method = '', level] = at.split(' ')
  return { method, level: level as Level }
}

/** Returns the level of an address: no bucket is the service, no key is a bucket. */
export function findLevel({ bucket, key }: Address): Level {
  return bucket === '' ? 'service' : key === '' ? 'bucket' : 'object'
}

/** The routes of each table by method and level, in the table's order. */
const candidates = new WeakMap<readonly Route[], Map<string, readonly Route[]>>()

/** Returns the routes of a method and a level: a table has more than a hundred, of which few come into question. */
function findCandidates<R extends Route>(
  routes: readonly R[],
  method: string,
  level: Level,
): readonly R[] {
  let byMethod = candidates.get(routes)
  if (byMethod === undefined) {
    byMethod = new Map<string, R[]>()
    for (const route of routes) {
      const at = `${route.method} ${route.level}`
      byMethod.set(at, [...(byMethod.get(at) ?? []), route])
    }
    candidates.set(routes, byMethod)
  }
  return (byMethod.get(`${method} ${level}`) ?? []) as readonly R[]
}

/**
 * Returns the first route of the table that the request matches. Fails closed: a query parameter that the route does not read is refused by
 * name, because a 200 would say that it was obeyed.
 *
 * @throws {AwsError} `NotImplemented` for such a parameter; `PreconditionFailed` for an upload form that is not a form;
 *   `MethodNotAllowed` for a method that S3 does not take on this level.
 */
export function matchRoute<R extends Route>(
  routes: readonly R[],
  request: RouteRequest,
  { isIgnored = () => false, describeUnknown }: MatchOptions,
): R {
  const { method, level, query } = request
  const route = findCandidates(routes, method, level).find((each) => isMatch(each, request))
  const [unknown] =
    query.pairs.find(([name]) => {
      return route === undefined || !(readsParameter(route, name) || isIgnored(name))
    }) ?? []
  if (unknown !== undefined) throw new AwsError('NotImplemented', describeUnknown(unknown, request))
  if (route !== undefined) return route
  if (method === 'POST' && level === 'bucket') {
    const message =
      'an upload form must be multipart/form-data, signed in its fields and nowhere else'
    throw new AwsError('PreconditionFailed', message)
  }
  const message = `${method.slice(0, 20)} of ${describeLevel(level)} is not allowed`
  const methods = routes.filter((candidate) => candidate.level === level).map((row) => row.method)
  throw new AwsError('MethodNotAllowed', message, {
    details: { Method: method.slice(0, 20), ResourceType: level.toUpperCase() },
    headers: { allow: [...new Set(methods)].toSorted().join(', ') },
  })
}

/** Returns the level as error messages name it. */
export function describeLevel(level: Level): string {
  return level === 'service' ? 'the service' : level === 'bucket' ? 'a bucket' : 'an object'
}

/** Returns whether a route of the request's method and level matches it. */
function isMatch({ header, required = [] }: Route, { query, headers }: RouteRequest): boolean {
  if (header !== undefined && !headers.has(header)) return false
  return required.every((wanted) => {
    const [name = '', value] = wanted.split('=')
    return value === undefined ? query.has(name) : query.get(name) === value
  })
}

function readsParameter({ required = [], optional = [] }: Route, name: string): boolean {
  return optional.includes(name) || required.some((wanted) => wanted.split('=')[0] === name)
}
