import { createHash } from 'node:crypto'
import { AwsError } from '../../protocol/aws-error.ts'
import { decodeFormText } from '../../protocol/sigv4/canonical-request.ts'
import type { HttpRequest } from '../http/http-message.ts'

/** MinIO reads 10 MiB; the largest parameter there is (a token) has 16 KiB here, so this is plenty. */
const maxFormBytes = 128 * 1024
const maxParameters = 64

export interface StsForm {
  readonly parameters: ReadonlyMap<string, string>
  readonly bodySha256: string
}

/**
 * The parameters of an STS request from its query and its form body; the query wins, the first of a repeated name counts (WIRE 1.1).
 *
 * @throws {AwsError} `InvalidRequest` for a body that is too long or shorter than said, or for too many parameters.
 */
export async function readForm(request: HttpRequest): Promise<StsForm> {
  const parameters = new Map<string, string>()
  addParameters(parameters, request.rawQuery)
  const hasForm = (request.headers.get('content-type') ?? '').startsWith(
    'application/x-www-form-urlencoded',
  )
  const body = await readBody(request)
  if (hasForm) addParameters(parameters, body.toString('utf8'))
  return { parameters, bodySha256: createHash('sha256').update(body).digest('hex') }
}

async function readBody(request: HttpRequest): Promise<Buffer> {
  const declared = Number(request.headers.get('content-length') ?? 0)
  if (declared > maxFormBytes) throw tooLong()
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request.body as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > maxFormBytes) throw tooLong()
    chunks.push(chunk)
  }
  const [first] = chunks
  return chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks)
}

function addParameters(parameters: Map<string, string>, text: string): void {
  if (text === '') return
  for (const part of text.split('&')) {
    if (part === '') continue
    const at = part.indexOf('=')
    const name = decodeFormText(at === -1 ? part : part.slice(0, at))
    if (parameters.has(name)) continue
    if (parameters.size >= maxParameters)
      throw new AwsError('InvalidRequest', `the request has more than ${maxParameters} parameters`)
    parameters.set(name, at === -1 ? '' : decodeFormText(part.slice(at + 1)))
  }
}

function tooLong(): AwsError {
  return new AwsError('InvalidRequest', `the request body is longer than ${maxFormBytes} bytes`)
}
