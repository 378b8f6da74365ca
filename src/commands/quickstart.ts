import { StsCliError } from '../base/errors.ts'
import type { Io } from '../base/io.ts'
import { obtainCredentials } from '../client/flow/obtain-credentials.ts'
import { putObject } from '../client/put-object.ts'
import { findHint } from './hints/error-hints.ts'
import { readObtainOptions } from './flow/obtain-options.ts'
import { withRunningServe } from './flow/with-serve-defaults.ts'
import type { Settings } from './options/settings.ts'
import { checkOutput, renderCredentials } from './flow/print-credentials.ts'

const bucket = 'my-bucketname'
const key = 'my-objectname'
const content = 'Hello, World'

/** `sts-cli -cid … -csec …`: does what `go run full-example.go` did, with the same stdout byte for byte. */
export async function runQuickstart(own: Settings, io: Io): Promise<number> {
  checkNoOperands(own)
  const settings = withRunningServe(own, io)
  checkOutput(settings, io)
  const options = await readObtainOptions(settings, io)
  const credentials = await obtainCredentials(
    { ...options, cache: { ...options.cache, directory: undefined } },
    io,
  )
  const { text } = await renderCredentials(credentials, settings, io, 'minio')
  io.writeStdout(`##### Credentials\n${text}`)
  if (settings.has('no-upload')) return 0
  const url = new URL(`/${bucket}/${key}`, options.exchange.stsEndpoint)
  try {
    await putObject(
      { url, body: content, credentials, region: options.exchange.region, nowMs: io.nowMs() },
      options.net,
    )
  } catch (error) {
    if (!(error instanceof StsCliError)) throw error
    throw new StsCliError('upload-failed', `${key} was not uploaded: ${error.message}`, {
      ...error,
      stage: 's3',
      cause: error,
      hint:
        findHint(error) ??
        `does the bucket ${bucket} exist, and may the credentials write to it? --no-upload leaves this out`,
    })
  }
  io.writeStderr(`Uploaded ${key} of size: ${content.length} Successfully.\n`)
  return 0
}

/** Refuses operands. The message does not repeat them: one may be half of a secret that needed quotes. */
function checkNoOperands({ operands, command }: Settings): void {
  if (operands.length === 0 && (command === undefined || command.length === 0)) return
  throw new StsCliError(
    'operands-invalid',
    'flags without a command take no operand, and run nothing after --',
    { hint: 'commands come first: sts-cli login -cid …; a value with spaces needs quotes' },
  )
}
