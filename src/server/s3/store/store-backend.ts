/** Method, address, query and headers → operation: one table, first match wins, and nothing in a request is passed over. */
import { AwsError } from '../../../protocol/aws-error.ts'
import { actionsOfHeaders, nameVersionAction } from '../request/action-rules.ts'
import { requireBucketName } from '../request/names.ts'
import type { ObjectStore } from '../request/object-store.ts'
import { storeRoutes, type Level, type StoreRoute } from './route-table.ts'
import {
  authorize,
  type S3Backend,
  type S3Operation,
  type S3Request,
} from '../request/s3-operation.ts'
import { isReadAnywhere, namesThatAsk, requireStandardValues } from './standard-headers.ts'

type Headers = ReadonlyMap<string, string>

interface Asked {
  readonly method: string
  readonly level: Level
  readonly query: URLSearchParams
  readonly headers: Headers
}

/** The embedded operations on a store. */
export function createStoreBackend(objects: ObjectStore): S3Backend {
  return {
    requireBucketName,
    findOperation(method, { bucket, key }, query, headers) {
      const level = bucket === '' ? 'service' : key === '' ? 'bucket' : 'object'
      const asked = { method, level, query, headers } as const
      return toOperation(findRoute(asked), asked, objects)
    },
    checkReady: () => objects.checkReady(),
  }
}

/** The operation with the rights that this request needs for it: on a version, and for what its headers ask for. */
function toOperation(
  { operation }: StoreRoute,
  { level, query, headers }: Asked,
  objects: ObjectStore,
): S3Operation<S3Request> {
  const { name, action, run } = operation
  const isVersioned = action !== undefined && query.has('versionId')
  return {
    name,
    action: isVersioned ? nameVersionAction(action) : action,
    async run(request) {
      if (level !== 'service')
        for (const further of actionsOfHeaders(namesThatAsk(headers), level))
          await authorize(request, further)
      requireStandardValues(headers, level)
      return run({ ...request, objects })
    },
  }
}

/**
 * Finds the row that a request is. What the operation does not read is refused by name, as an answer of 200 would say that it was done:
 * any other query parameter but those that begin with `x-`, which are for the caller's logs (AWS, «Adding additional fields to the access
 * log»); any other `x-amz-` header; and on requests that write, conditions that are not checked.
 *
 * @throws {AwsError} `NotImplemented`, naming what was asked for; `MethodNotAllowed` for a method that S3 never takes there.
 */
function findRoute(asked: Asked): StoreRoute {
  const { method, level, query, headers } = asked
  const route = storeRoutes.find((candidate) => fits(candidate, asked))
  const parameter = [...query.keys()].find((name) => !isReadParameter(route, name))
  if (parameter !== undefined) {
    const what = `${method.slice(0, 20)} ?${parameter.slice(0, 100)} of ${nameLevel(level)}`
    throw new AwsError('NotImplemented', `${what} is not implemented`)
  }
  if (route !== undefined) {
    const header = [...headers.keys()].find((name) => !isReadHeader(route, name))
    if (header === undefined) return route
    const what = `${route.operation.name} with the header ${header.slice(0, 100)}`
    throw new AwsError('NotImplemented', `${what} is not implemented`, {
      details: { Header: header.slice(0, 100) },
    })
  }
  if (method === 'POST' && level === 'bucket') {
    const message =
      'an upload form must be multipart/form-data, signed in its fields and nowhere else'
    throw new AwsError('PreconditionFailed', message)
  }
  throw new AwsError(
    'MethodNotAllowed',
    `${method.slice(0, 20)} of ${nameLevel(level)} is not allowed`,
  )
}

function fits(route: StoreRoute, { method, level, query, headers }: Asked): boolean {
  if (route.method !== method || route.level !== level) return false
  if (route.header !== undefined && !headers.has(route.header)) return false
  return route.required.every((wanted) => {
    const [name = '', value] = wanted.split('=')
    return value === undefined ? query.has(name) : query.get(name) === value
  })
}

function isReadParameter(route: StoreRoute | undefined, name: string): boolean {
  if (route === undefined) return false
  const isRequired = route.required.some((wanted) => wanted.split('=')[0] === name)
  return isRequired || route.optional.includes(name) || name.startsWith('x-')
}

function isReadHeader({ method, level, headers }: StoreRoute, name: string): boolean {
  const isRead = method === 'GET' || method === 'HEAD'
  if (!name.startsWith('x-amz-') && (isRead || !/^if-|^content-range$/.test(name))) return true
  if (headers.includes(name) || isReadAnywhere(name, level)) return true
  return headers.some((listed) => listed.endsWith('*') && name.startsWith(listed.slice(0, -1)))
}

function nameLevel(level: Level): string {
  return level === 'service' ? 'the service' : level === 'bucket' ? 'a bucket' : 'an object'
}
