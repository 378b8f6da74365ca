/** Upload forms as browsers send them, signed as an application's server signs them; written from AWS's pages, without the code under test. */
import { createHmac } from 'node:crypto'

export interface Signer {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
}

export interface FormOptions {
  readonly signer: Signer
  readonly nowMs: number
  readonly region?: string
  readonly service?: string
  readonly expiresAtMs?: number
  /** Fields besides those of the signature; each has its condition unless `conditions` is given. */
  readonly fields: Readonly<Record<string, string>>
  readonly conditions?: readonly unknown[]
  /** Additional conditions. */
  readonly further?: readonly unknown[]
  readonly bucket?: string
}

const hmac = (key: string | Buffer, data: string): Buffer =>
  createHmac('sha256', key).update(data).digest()

/** Returns the signature of a policy, by the four steps of "Calculating a Signature". */
export function signPolicy(policy: string, secret: string, scope: string): string {
  const [date = '', region = '', service = '', end = ''] = scope.split('/')
  const key = hmac(hmac(hmac(hmac(`AWS4${secret}`, date), region), service), end)
  return hmac(key, policy).toString('hex')
}

/** Returns all fields of a form, without its file. */
export function makeFields(options: FormOptions): Record<string, string> {
  const { signer, nowMs, region = 'us-east-1', service = 's3', fields, bucket = 'photos' } = options
  const date = new Date(nowMs).toISOString().replaceAll(/[-:]|\.\d{3}/g, '')
  const scope = `${date.slice(0, 8)}/${region}/${service}/aws4_request`
  const signed: Record<string, string> = {
    'x-amz-algorithm': 'AWS4-HMAC-SHA256',
    'x-amz-credential': `${signer.accessKeyId}/${scope}`,
    'x-amz-date': date,
    ...(signer.sessionToken === undefined ? {} : { 'x-amz-security-token': signer.sessionToken }),
  }
  const eachItsOwn = Object.entries(fields).map(([name, value]) => ({ [name]: value }))
  const conditions = [
    { bucket },
    ...(options.conditions ?? eachItsOwn),
    ...(options.further ?? []),
    ...Object.entries(signed).map(([name, value]) => ({ [name]: value })),
  ]
  const expiration = new Date(options.expiresAtMs ?? nowMs + 60_000).toISOString()
  const policy = Buffer.from(JSON.stringify({ expiration, conditions })).toString('base64')
  const signature = signPolicy(policy, signer.secretAccessKey, scope)
  return { ...fields, ...signed, policy, 'x-amz-signature': signature }
}

/** Returns all fields of a form with signature version 2, as boto3 makes them by default. */
export function makeFieldsV2(
  options: Pick<FormOptions, 'signer' | 'nowMs' | 'fields'>,
): Record<string, string> {
  const { signer, nowMs, fields } = options
  const token = signer.sessionToken
  const signed = token === undefined ? {} : { 'x-amz-security-token': token }
  const all = { ...fields, ...signed }
  const conditions = [
    { bucket: 'photos' },
    ...Object.entries(all).map(([name, value]) => ({ [name]: value })),
  ]
  const expiration = new Date(nowMs + 60_000).toISOString()
  const policy = Buffer.from(JSON.stringify({ expiration, conditions })).toString('base64')
  const signature = createHmac('sha1', signer.secretAccessKey).update(policy).digest('base64')
  return { ...all, AWSAccessKeyId: signer.accessKeyId, policy, signature }
}

export interface EncodedForm {
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** Encodes as `multipart/form-data` like fetch and browsers; the file follows the fields, and the fields in `after` follow the file. */
export async function encodeForm(
  fields: Readonly<Record<string, string>>,
  file: string | Uint8Array | undefined,
  {
    fileName = 'photo.jpg',
    after = {},
  }: { fileName?: string; after?: Readonly<Record<string, string>> } = {},
): Promise<EncodedForm> {
  const form = new FormData()
  for (const [name, value] of Object.entries(fields)) form.append(name, value)
  if (file !== undefined) form.append('file', new Blob([Buffer.from(file)]), fileName)
  for (const [name, value] of Object.entries(after)) form.append(name, value)
  const encoded = new Response(form)
  const contentType = encoded.headers.get('content-type') ?? ''
  const body = Buffer.from(await encoded.arrayBuffer())
  return { headers: { 'content-type': contentType }, body }
}
