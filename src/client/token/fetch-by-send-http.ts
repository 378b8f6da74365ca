/** `fetch` on top of `sendHttp`, for openid-client: Node's own fetch has no CA files, proxies, limits and retries of sts-cli. */
import { sendHttp, type HttpAnswer } from '../../base/http/http-client.ts'
import type { NetOptions } from '../options.ts'

export interface Seen {
  /** The provider's last answer: it says more than the library's error. */
  last: { readonly answer: HttpAnswer; readonly url: URL } | undefined
}

export interface FetchCall {
  readonly url: string
  readonly options: {
    readonly method: string
    readonly headers: Record<string, string>
    /** openid-client sends forms or nothing. */
    readonly body?: unknown
  }
  readonly net: NetOptions
  readonly seen: Seen
}

/** Statuses whose `Response` must have no body (Fetch Standard, null body status). */
const emptyStatuses = new Set([204, 205, 304])

/** Sends a request and stores the answer in `seen`. @throws {StsCliError} Whatever `sendHttp` throws. */
export async function fetchBySendHttp({ url, options, net, seen }: FetchCall): Promise<Response> {
  const { method, headers, body } = options
  const target = new URL(url)
  const form = body instanceof URLSearchParams ? body.toString() : undefined
  const answer = await sendHttp(
    { method, url: target, headers, body: form },
    { ...net, stage: 'idp' },
  )
  seen.last = { answer, url: target }
  return new Response(emptyStatuses.has(answer.status) ? null : new Uint8Array(answer.body), {
    status: answer.status,
    headers: Object.entries(answer.headers).filter(
      (header): header is [string, string] => header[1] !== undefined,
    ),
  })
}
