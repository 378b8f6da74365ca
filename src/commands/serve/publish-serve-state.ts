/** Publishes a running server: its ready line, and the files by which `login` finds and trusts it. */
import { findUserDirectory } from '../../client/find-user-directory.ts'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Io } from '../../base/io.ts'
import { writeServeState } from '../../client/serve-state.ts'
import type { RunningServer } from '../../server/create-server.ts'
import { publicClientId, type IssuerClient } from '../../server/issuer/client-metadata.ts'
import type { ServerOptions } from '../../server/options/server-options.ts'
import { listSdkSettings } from './sdk-settings.ts'

/** The fields of the ready line; a field without a value is omitted. */
export interface ReadyFacts {
  readonly event: 'ready'
  readonly sts: string
  readonly idp?: string | undefined
  readonly jwks?: string | undefined
  readonly caFile?: string | undefined
  readonly clientId?: string | undefined
  readonly clientSecret?: string | undefined
  /** The region that requests must be signed for; omitted if the server takes any. */
  readonly region?: string | undefined
  readonly accessKey: string
  readonly secretKey: string
  /** The values for `--role-arn`, where there are roles. */
  readonly roles?: readonly string[] | undefined
  /** The variables for AWS's SDKs, where an identity provider's tokens are taken. */
  readonly aws?: Readonly<Record<string, string>> | undefined
  readonly pid: number
}

export interface PublishOptions {
  readonly options: ServerOptions
  /** The client for `login`. */
  readonly client: IssuerClient | undefined
  /** True if root's keys were made at the start, and not chosen by the user. */
  readonly isRootMade: boolean
}

/** Writes the files; `remove` removes them. */
export function publishServeState(
  server: RunningServer,
  { options, client, isRootMade }: PublishOptions,
  io: Io,
): { facts: ReadyFacts; remove: () => void } {
  const { issuer } = server
  const sts = toReachable(server.url)
  const certificates = [issuer?.certificate, server.certificate].filter(
    (text) => text !== undefined,
  )
  const state =
    issuer === undefined || client === undefined
      ? undefined
      : {
          stsEndpoint: sts,
          tokenEndpoint: issuer.tokenEndpoint.href,
          clientId: client.id,
          clientSecret: client.secret,
          publicClientId: hasUsers(options) ? publicClientId : undefined,
          root: isRootMade ? options.root : undefined,
        }
  const files =
    certificates.length === 0
      ? { caFile: undefined, remove: () => {} }
      : writeFiles({ pid: io.pid, certificates: certificates.join('\n'), state }, io)
  return {
    remove: files.remove,
    facts: {
      event: 'ready',
      sts,
      idp: issuer?.tokenEndpoint.href,
      jwks: issuer?.jwksUrl.href,
      caFile: files.caFile,
      clientId: issuer === undefined ? undefined : client?.id,
      clientSecret: issuer === undefined ? undefined : client?.secret,
      region: options.region === '' ? undefined : options.region,
      accessKey: options.root.accessKeyId,
      secretKey: options.root.secretAccessKey,
      roles: server.roleArns.length === 0 ? undefined : server.roleArns,
      aws: listSdkSettings(options, {
        endpoint: sts,
        caFile: server.certificate === undefined ? undefined : files.caFile,
      }),
      pid: io.pid,
    },
  }
}

/** Returns whether people can sign in at the embedded provider. */
export function hasUsers({ identityProvider }: ServerOptions): boolean {
  return identityProvider?.kind === 'embedded' && (identityProvider.users ?? []).length > 0
}

type WriteOptions = Parameters<typeof writeServeState>[1]

/** Writes to the state directory; where it cannot be written (a container without a home), only the certificates, to a temporary folder. */
function writeFiles(options: WriteOptions, io: Io): ReturnType<typeof writeServeState> {
  const directory = findUserDirectory('state', io)
  try {
    if (directory !== undefined) return writeServeState(directory, options)
  } catch {
    io.writeStderr(
      `warning: ${directory ?? ''} cannot be written: sts-cli login will not find this server by itself\n`,
    )
  }
  const folder = mkdtempSync(path.join(tmpdir(), 'sts-cli-serve-'))
  const caFile = path.join(folder, 'ca.pem')
  writeFileSync(caFile, options.certificates, { mode: 0o600 })
  return { caFile, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

/** Returns the URL for clients: without the final slash, and with `localhost` where the server listens on all addresses. */
function toReachable(url: URL): string {
  const copy = new URL(url)
  if (copy.hostname === '0.0.0.0' || copy.hostname === '[::]') copy.hostname = 'localhost'
  return copy.origin
}
