/** POST of a form to a bucket: an upload by a browser, signed by somebody else. */
import { emptyQuery } from '../../../protocol/query.ts'
import { Readable } from 'node:stream'
import { AwsError } from '../../../protocol/aws-error.ts'
import { missingField } from '../../../protocol/sigv4/post-signature.ts'
import { requireNoneUnsigned } from '../../../protocol/sigv4/verify-signature.ts'
import type { HttpReply, HttpRequest } from '../../http/http-message.ts'
import type { RequestRecorder } from '../../http/request-recorder.ts'
import type { FormSignatureVersion } from '../../identity/request-authenticator.ts'
import { recordDecisions } from '../../policy/record-decisions.ts'
import { describePrincipal } from '../../sessions/describe-principal.ts'
import type { Principal } from '../../sessions/principal.ts'
import type { SizeBounds } from '../body/payload.ts'
import { admitAnonymousForm, hideFromAnonymous } from '../request/anonymous-access.ts'
import { readAddress, readHostBucket, type Address } from '../request/address.ts'
import type { S3Services } from '../request/s3-services.ts'
import { requireKey } from '../request/names.ts'
import { authorize } from '../request/s3-operation.ts'
import { toPutRequest } from './form-request.ts'
import { readPostAnswer, writePostAnswer } from './post-answer.ts'
import { checkPostPolicy, readPostPolicy } from './post-policy.ts'
import { readForm, type UploadForm } from './read-form.ts'

/** Returns whether the signature of an unsigned request may be in its form. */
export function isUploadForm(request: HttpRequest, { bucket, key }: Address): boolean {
  const isForm = /^multipart\/form-data\s*(;|$)/i.test(request.headers.get('content-type') ?? '')
  const isToBucket = bucket !== '' && key === '' && request.rawQuery === ''
  return request.method === 'POST' && isForm && isToBucket
}

/**
 * Authenticates the signer, checks the form against its policy, authorizes the signer, then stores the file.
 *
 * @throws {AwsError} The refusal of any of these steps; nothing is stored then.
 */
export async function postObject(
  request: HttpRequest,
  recorder: RequestRecorder,
  services: S3Services,
): Promise<HttpReply> {
  const { backend } = services
  recorder.setOperation('PostObject')
  const { bucket } = readAddress(request, services.domains)
  backend.requireBucketName(bucket)
  const form = await readForm(request)
  const { principal, version } = await identify(form, bucket, services)
  recorder.setCaller(describePrincipal(principal))
  // A form is signed in its fields: a signature or S3 header on the request itself would be ignored.
  requireNoneUnsigned([...request.headers.keys()])
  const condition = ['if-match', 'if-none-match'].find((name) => request.headers.has(name))
  if (condition !== undefined)
    throw new AwsError('NotImplemented', `${condition} on an upload form is not supported`)
  const key = readKey(form)
  const fields = new Map(form.fields).set('bucket', bucket).set('key', key)
  const sizes = checkForm(fields, principal, request.receivedAtMs)
  requireKey(key)
  const answer = readPostAnswer(fields)
  const put = toPutRequest(request, { bucket, key }, { fields, file: form.file })
  const query = emptyQuery
  const operation = backend.findOperation('PUT', { bucket, key }, query, put.headers)
  const call = {
    bucket,
    key,
    request: put,
    query,
    principal,
    recorder,
    authorizer: recordDecisions(services.authorizer, recorder),
    region: services.region,
    isBucketInHost:
      readHostBucket(request.headers.get('host') ?? '', services.domains) !== undefined,
    signature: { payloadHash: 'UNSIGNED-PAYLOAD' },
    seed: undefined,
    form: { sizes, signatureVersion: version },
  }
  try {
    const stored = await hideFromAnonymous(call, async () => {
      if (operation.action !== undefined) await authorize(call, operation.action)
      return operation.run(call)
    })
    // A form is a PutObject, whose work is its body.
    if ('work' in stored) throw new Error('an upload form became long work')
    if (stored.body instanceof Readable) stored.body.resume()
    return writePostAnswer(answer, { ...call, request, stored: keepHeaders(stored) })
  } finally {
    put.body.destroy()
  }
}

/** Returns the signer of a form; for an unsigned form nobody, if the bucket's policy gives something to everybody. */
async function identify(
  { fields }: UploadForm,
  bucket: string,
  { authenticator, backend }: S3Services,
): Promise<{ principal: Principal; version: FormSignatureVersion | undefined }> {
  const authentication = await authenticator.authenticateForm(fields)
  if (authentication !== undefined) return authentication
  const principal = await admitAnonymousForm(fields, bucket, backend)
  return { principal, version: undefined }
}

/** Checks a form against its policy, and returns the sizes that it allows. An unsigned form has no policy. @throws {AwsError} As `checkPostPolicy`. */
function checkForm(
  fields: ReadonlyMap<string, string>,
  { kind }: Principal,
  nowMs: number,
): SizeBounds {
  if (kind === 'anonymous') return { minBytes: 0, maxBytes: Number.POSITIVE_INFINITY }
  const policy = readPostPolicy(fields.get('policy') ?? '')
  checkPostPolicy(policy, fields, nowMs)
  return policy.sizes
}

/** `${filename}` stands for the file's name without the path that some browsers send (AWS, "POST Object"). */
function readKey({ fields, fileName }: UploadForm): string {
  const name = fileName.split(/[/\\]/).at(-1) ?? ''
  const key = fields.get('key')?.replaceAll('${filename}', () => name) ?? ''
  if (key !== '') return key
  throw missingField('key')
}

/** Returns the headers about the object; those about the PUT's own document do not fit this answer. */
function keepHeaders({ headers = {} }: HttpReply): Record<string, string> {
  const kept = Object.entries(headers).filter(([name]) => !/^content-|^location$/.test(name))
  return Object.fromEntries(kept)
}
