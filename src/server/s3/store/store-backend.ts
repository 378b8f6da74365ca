/** The S3 backend of the embedded store. Finds the operation of a request in the route table, and ignores no part of the request. */
import { silentLog, type Log } from '../../../base/log.ts'
import { AwsError } from '../../../protocol/aws-error.ts'
import { actionsOfHeaders, nameVersionAction } from '../request/action-rules.ts'
import { isOwnersAcl } from '../request/canned-acl.ts'
import { readCorsRules } from '../request/cors-document.ts'
import { requireBucketName } from '../request/names.ts'
import type { ObjectStore } from '../request/object-store.ts'
import { describeLevel, findLevel, matchRoute, type RouteRequest } from '../request/match-route.ts'
import { createAclCheck } from './acl-check.ts'
import { createDocumentReader } from '../request/document-reader.ts'
import { createPolicyFinder } from './find-bucket-policy.ts'
import type { StoreRoute } from './route-rows.ts'
import { storeRoutes } from './store-routes.ts'
import {
  authorize,
  type S3Backend,
  type S3Call,
  type S3Operation,
  type S3Request,
} from '../request/s3-operation.ts'
import { requireKnownChecksum } from '../body/checksum.ts'
import { withPlainSizes } from './plain-sizes.ts'
import {
  isTrueAnyway,
  isReadAnywhere,
  findEffectiveHeaders,
  requireStandardValues,
} from './standard-headers.ts'

/** Creates the backend of a store. @param log Says once a bucket that canned ACLs have no effect. */
export function createStoreBackend(store: ObjectStore, log: Log = silentLog): S3Backend {
  const objects = withPlainSizes(store)
  const noteAcl = createAclNotes(log)
  const requireAcl = createAclCheck(objects)
  return {
    requireBucketName,
    findOperation(method, address, query, headers) {
      const request = { method, level: findLevel(address), query, headers }
      return toOperation(findRoute(request), request, { objects, noteAcl, requireAcl })
    },
    findCorsRules: createRulesReader(objects),
    findBucketPolicy: createPolicyFinder(objects),
    async readTags(bucket, key, versionId) {
      try {
        return (await objects.statObject(bucket, key, versionId))?.metadata.tags ?? {}
      } catch (error) {
        // A name that cannot be has no tags. After any other error they are not known.
        return error instanceof AwsError && error.status < 500 ? {} : undefined
      }
    },
    checkReady: () => objects.checkReady(),
  }
}

type AclNotes = (bucket: string, acl: string) => void

/** The most buckets that are remembered as noted; beyond it, a bucket may be noted again. */
const maxNoted = 1024

/** Returns a function that logs, once a bucket, that a canned ACL was ignored which would have given others access. */
function createAclNotes(log: Log): AclNotes {
  const noted = new Set<string>()
  return (bucket, acl) => {
    if (isOwnersAcl(acl) || noted.has(bucket)) return
    if (noted.size >= maxNoted) noted.clear()
    noted.add(bucket)
    log.warn({ bucket, acl }, 'canned ACLs have no effect: only policies give access')
  }
}

/** Returns a function that reads a bucket's CORS rules; undefined if the bucket has none or does not exist. */
function createRulesReader(objects: ObjectStore): NonNullable<S3Backend['findCorsRules']> {
  const read = createDocumentReader(objects, 'cors', readCorsRules)
  return async (bucket) => read(bucket)
}

interface StoreDependencies {
  readonly objects: ObjectStore
  readonly noteAcl: AclNotes
  readonly requireAcl: ReturnType<typeof createAclCheck>
}

/** Returns the operation with the permissions that this request needs: on a version, and for its headers. */
function toOperation(
  { operation }: StoreRoute,
  { level, query, headers }: RouteRequest,
  { objects, noteAcl, requireAcl }: StoreDependencies,
): S3Operation<S3Request> {
  const { name, action, run } = operation
  const isVersioned = action !== undefined && query.has('versionId')
  return {
    name,
    action: isVersioned ? nameVersionAction(action) : action,
    async run(request) {
      if (level !== 'service')
        for (const further of actionsOfHeaders(findEffectiveHeaders(headers), level))
          await authorize(request, further)
      requireStandardValues(headers, level)
      if (level !== 'service') requireAcl(name, { bucket: request.bucket, headers })
      if (!query.has('acl')) noteAcl(request.bucket, headers.get('x-amz-acl') ?? 'private')
      return run(toCall(request, objects))
    },
  }
}

/** Adds the store. Written out, because a spread of so many members costs as much as finding the object. */
function toCall(request: S3Request, objects: ObjectStore): S3Call {
  const call: { readonly [Name in keyof Required<S3Call>]: S3Call[Name] } = {
    bucket: request.bucket,
    key: request.key,
    request: request.request,
    query: request.query,
    recorder: request.recorder,
    authorizer: request.authorizer,
    region: request.region,
    isBucketInHost: request.isBucketInHost,
    principal: request.principal,
    signature: request.signature,
    seed: request.seed,
    requestTags: request.requestTags,
    requestLock: request.requestLock,
    form: request.form,
    objects,
  }
  return call
}

/**
 * Finds the route of a request. What the operation does not read is refused by name, because a 200 would claim that it was done: any other
 * query parameter, except those that begin with `x-`, which are for the caller's logs; any other `x-amz-` header; and on requests that write,
 * conditions that are not checked.
 *
 * @throws {AwsError} `NotImplemented`, naming the parameter or header; `MethodNotAllowed` for a method that S3 does not allow there.
 */
function findRoute(request: RouteRequest): StoreRoute {
  const route = matchRoute(storeRoutes, request, { isIgnored, describeUnknown })
  const header = findUnread(route, request.headers)
  if (header === undefined) return route
  requireKnownChecksum(header)
  const what = `${route.operation.name} with the header ${header.slice(0, 100)}`
  throw new AwsError('NotImplemented', `${what} is not implemented`, {
    details: { Header: header.slice(0, 100) },
  })
}

function findUnread(route: StoreRoute, headers: RouteRequest['headers']): string | undefined {
  for (const [name, value] of headers)
    if (!isReadHeader(route, name) && !isTrueAnyway(name, value)) return name
  return undefined
}

/** Returns whether a query parameter is for the caller's logs only (AWS, "Adding additional fields to the access log"). */
function isIgnored(parameter: string): boolean {
  return parameter.startsWith('x-')
}

/** Returns the message for a query parameter that the operation does not read. */
function describeUnknown(parameter: string, { method, level }: RouteRequest): string {
  const what = `${method.slice(0, 20)} ?${parameter.slice(0, 100)} of ${describeLevel(level)}`
  return `${what} is not implemented`
}

function isReadHeader({ method, level, headers }: StoreRoute, name: string): boolean {
  const isRead = method === 'GET' || method === 'HEAD'
  if (!name.startsWith('x-amz-') && (isRead || !/^if-|^content-range$/.test(name))) return true
  if (headers.includes(name) || isReadAnywhere(name, level)) return true
  return headers.some((listed) => listed.endsWith('*') && name.startsWith(listed.slice(0, -1)))
}
