/** The library: a credential provider for the AWS SDK v3, and a server for tests. */
export { clientGrants, type ClientGrantsOptions } from './client/flow/client-grants.ts'
export { startServer, type StartedServer, type StartServerOptions } from './server/start-server.ts'
