/**
 * The routes of the embedded store: method, level and query → operation, with every query parameter and `x-amz-` header that the operation
 * reads. The first match wins, so routes with fewer query parameters come last. To add an operation, add a file in `operations/` and a row.
 */
import { listBuckets } from '../operations/list-buckets.ts'
import { bucketListParameters } from '../request/match-route.ts'
import { bucketRoutes } from './bucket-routes.ts'
import { objectRoutes } from './object-routes.ts'
import { route, type StoreRoute } from './route-rows.ts'

export const storeRoutes: readonly StoreRoute[] = [
  route('GET service', listBuckets, {
    optional: bucketListParameters,
  }),
  ...bucketRoutes,
  ...objectRoutes,
]
