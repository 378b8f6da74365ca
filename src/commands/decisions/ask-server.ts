/** Asks a server of ours about its decided requests, signed with root's keys or the profile's. */
import { findUserDirectory } from '../../client/find-user-directory.ts'
import type { NetOptions } from '../../client/options.ts'
import { findServeState, readServeStates } from '../../client/serve-state.ts'
import { StsCliError } from '../../base/errors.ts'
import { sendHttp } from '../../base/http/http-client.ts'
import type { Io } from '../../base/io.ts'
import { parseJsonObject, readString, type JsonObject } from '../../base/parse.ts'
import { toPrintable } from '../../base/terminal/printable.ts'
import type { Credentials } from '../../protocol/credentials.ts'
import { emptySha256 } from '../../protocol/sigv4/canonical-request.ts'
import { signRequest } from '../../protocol/sigv4/sign.ts'
import { readNetOptions } from '../flow/obtain-options.ts'
import { findCached, findOrRenew } from '../flow/find-or-renew.ts'
import { readUrl, type Settings } from '../options/settings.ts'

const whoMayAsk =
  'start sts-cli serve on this machine; or set MINIO_ROOT_USER and MINIO_ROOT_PASSWORD as the server has them, and -sts-ep; or name a profile (-p) that may admin:ServerTrace'

/** A server and the keys with which it is asked. */
export interface ServerAccess {
  readonly endpoint: string
  readonly credentials: Credentials
  readonly region: string
  readonly net: NetOptions
}

export const requestsPath = '/minio/admin/v3/sts-cli/requests'
export const policyPath = '/minio/admin/v3/sts-cli/policy'

/**
 * Returns the server and the keys: root's of MINIO_ROOT_USER and MINIO_ROOT_PASSWORD, else those of a `serve` on this machine, else the
 * profile's, whose policies must allow `admin:ServerTrace`.
 *
 * @throws {StsCliError} as `findOrRenew`.
 */
export async function findServerAccess(settings: Settings, io: Io): Promise<ServerAccess> {
  const net = readNetOptions(settings, io)
  const region = settings.get('region') ?? io.env['AWS_REGION'] ?? 'us-east-1'
  const { MINIO_ROOT_USER: user, MINIO_ROOT_PASSWORD: password } = io.env
  if (user !== undefined && password !== undefined) {
    const credentials = { accessKeyId: user, secretAccessKey: password }
    return { endpoint: readUrl(settings, 'sts-endpoint'), credentials, region, net }
  }
  const directory = findUserDirectory('state', io)
  const isProfileNamed = settings.getExplicit('profile') !== undefined
  if (directory !== undefined && !isProfileNamed) {
    const named = settings.sourceOf('sts-endpoint') === 'default'
    const stsEndpoint = named ? undefined : readUrl(settings, 'sts-endpoint')
    const state = findServeState(readServeStates(directory), {
      stsEndpoint,
      tokenEndpoint: undefined,
    })
    if (state?.root !== undefined) {
      const caFile = net.caFile ?? state.caFile
      return {
        endpoint: state.stsEndpoint,
        credentials: state.root,
        region,
        net: { ...net, caFile },
      }
    }
  }
  if (findCached(settings, io) === undefined)
    throw new StsCliError('credentials-missing', 'there is no server whose keys are known here', {
      hint: whoMayAsk,
    })
  const cached = await findOrRenew(settings, io)
  return { endpoint: cached.stsEndpoint, credentials: cached, region, net }
}

/**
 * Asks a server about its requests.
 *
 * @param path One of the paths above, or the one of a request.
 * @throws {StsCliError} `requests-refused`, `request-not-kept`; whatever `sendHttp` throws.
 */
export async function askServer(
  { endpoint, credentials, region, net }: ServerAccess,
  {
    path,
    query = {},
  }: { readonly path: string; readonly query?: Readonly<Record<string, string>> },
  nowMs: number,
): Promise<JsonObject> {
  const url = new URL(path, endpoint)
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
  const unsigned = { method: 'GET', url, headers: {}, payloadHash: emptySha256 }
  const headers = signRequest(unsigned, credentials, { region, service: 's3', nowMs })
  const { status, body } = await sendHttp({ method: 'GET', url, headers }, { ...net, stage: 's3' })
  const json = parseJsonObject(body.toString('utf8'))
  if (status === 200 && json !== undefined) return json
  const said = json === undefined ? undefined : readString(json, 'Message')
  const why = toPrintable(said ?? `it answered ${status}`, 300)
  const code = json === undefined ? undefined : readString(json, 'Code')
  if (code === 'NoSuchKey') throw new StsCliError('request-not-kept', `${url.host}: ${why}`)
  throw new StsCliError('requests-refused', `${url.host} does not tell its requests: ${why}`, {
    hint: whoMayAsk,
  })
}
