import type { Log } from '../../../base/log.ts'
import type { RequestAuthenticator } from '../../identity/request-authenticator.ts'
import type { Authorizer } from '../../policy/authorizer.ts'
import type { Schedule } from './answer-while-working.ts'
import type { S3Backend } from './s3-operation.ts'

export interface S3Services {
  readonly authenticator: RequestAuthenticator
  readonly authorizer: Authorizer
  readonly backend: S3Backend
  readonly region: string
  /** Host names whose subdomains are buckets; `localhost` is always one of them. */
  readonly domains: readonly string[]
  readonly log: Log
  /** Runs a function after a delay and returns a function that cancels it; undefined for a real timer. */
  readonly after?: Schedule | undefined
}
