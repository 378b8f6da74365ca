/** GET and HEAD of an object. The upstream answers to its root user, so what a caller may not read of the answer is left out here. */
import { Readable } from 'node:stream'
import { AwsError } from '../../../protocol/aws-error.ts'
import type { HttpReply } from '../../http/http-message.ts'
import { forward, type GatewayCall } from './forward.ts'
import { authorizeKey } from './upstream-names.ts'

/** Headers that S3 shows only to callers with a further permission (AWS, "HeadObject": `x-amz-object-lock-…`). */
const guarded: readonly { readonly action: string; readonly names: readonly string[] }[] = [
  {
    action: 's3:GetObjectRetention',
    names: ['x-amz-object-lock-mode', 'x-amz-object-lock-retain-until-date'],
  },
  { action: 's3:GetObjectLegalHold', names: ['x-amz-object-lock-legal-hold'] },
]

/** Forwards the request, and returns the answer without the headers of a lock that the caller may not read. */
export async function forwardRead(call: GatewayCall): Promise<HttpReply> {
  const reply = await forward(call, { body: 'none' })
  const headers: Record<string, string> = { ...reply.headers }
  const shown = guarded.filter(({ names }) => names.some((name) => headers[name] !== undefined))
  if (shown.length === 0) return reply
  try {
    for (const { action, names } of shown)
      if (!(await may(call, action))) for (const name of names) delete headers[name]
  } catch (error) {
    if (reply.body instanceof Readable) reply.body.destroy()
    throw error
  }
  return { ...reply, headers }
}

async function may(call: GatewayCall, action: string): Promise<boolean> {
  try {
    await authorizeKey(call, action)
    return true
  } catch (error) {
    if (error instanceof AwsError && error.code === 'AccessDenied') return false
    throw error
  }
}
