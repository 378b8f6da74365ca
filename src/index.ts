/**
 * The library: a credential provider for AWS SDK v3, a server for test frameworks, and the error that both throw. What the caller can act on is a
 * `StsCliError`; any other error is a bug. Decide by its `reason`: docs/errors.md lists them. The message is for people and may change.
 */
export type { ErrorCode, ErrorReason } from './base/error-reasons.ts'
export { StsCliError, type ErrorDetails, type ErrorStage } from './base/errors.ts'
export { clientGrants, type ClientGrantsOptions } from './client/flow/client-grants.ts'
export { startServer, type StartedServer, type StartServerOptions } from './server/start-server.ts'
