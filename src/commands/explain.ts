import { StsCliError } from '../base/errors.ts'
import type { Io } from '../base/io.ts'
import { askServer, findServerAccess, requestsPath } from './decisions/ask-server.ts'
import { choosePaint } from './decisions/choose-paint.ts'
import { describeExplained } from './decisions/describe-request.ts'
import type { Settings } from './options/settings.ts'

/** `explain REQUEST-ID`: says which policies decided about a request, what each lacked, and what would allow it. Exit 1 for a request that was denied. */
export async function runExplain(settings: Settings, io: Io): Promise<number> {
  const [id, ...more] = settings.operands
  if (id === undefined || more.length > 0 || !/^[0-9A-Fa-f]{1,32}$/.test(id))
    throw new StsCliError('operands-invalid', 'explain takes the id of one request', {
      hint: 'errors of S3 and the STS name it (RequestId), answers have it as x-amz-request-id, and sts-cli watch prints it',
    })
  const access = await findServerAccess(settings, io)
  const explained = await askServer(access, { path: `${requestsPath}/${id}` }, io.nowMs())
  io.writeStdout(
    settings.has('json')
      ? `${JSON.stringify(explained, undefined, 2)}\n`
      : describeExplained(explained, await choosePaint(settings, io)),
  )
  const explanations: unknown = explained['explanations']
  const isDenied = JSON.stringify(explanations).includes('"isAllowed":false')
  return isDenied ? 1 : 0
}
