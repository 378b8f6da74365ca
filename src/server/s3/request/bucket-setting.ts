/** The three operations on a setting of a bucket that is stored as a document: GET, PUT and DELETE of /bucket?NAME. */
import { AwsError } from '../../../protocol/aws-error.ts'
import type { HttpReply } from '../../http/http-message.ts'
import { readPayload, type Payload } from '../body/payload.ts'
import type { BucketDocument } from './object-store.ts'
import { requireBucket } from './require-bucket.ts'
import { openBody, type S3Call, type S3Operation } from './s3-operation.ts'
import { xmlReply, type XmlElements } from './s3-xml.ts'

export interface BucketSetting<Value> {
  readonly document: BucketDocument
  /** S3's names of the operations are `Get`, `Put` and `Delete` before it. */
  readonly noun: string
  /** The actions, without `s3:`. */
  readonly actions: { readonly GET: string; readonly PUT: string; readonly DELETE: string }
  /** The error of GET where it is not set: code and sentence. Its status is 404. */
  readonly missing: readonly [code: string, sentence: string]
  /** The root of the document. */
  readonly root: string
  readonly maxBytes: number
  /** Reads a document. @throws {AwsError} For one that is not valid. */
  readonly read: (text: string) => Value
  /** Returns the content of the document. */
  readonly describe: (value: Value) => XmlElements
  /** Checks the declared digests of the body. @throws {AwsError} If one is missing that S3 requires. */
  readonly checkDeclarations?: (declarations: Payload['declarations']) => void
  /** Refuses a value that does not fit the bucket. @throws {AwsError} A refusal. */
  readonly check?: (value: Value, call: S3Call) => void | Promise<void>
  readonly putStatus?: 200 | 204
}

export interface SettingOperations {
  readonly get: S3Operation
  readonly put: S3Operation
  readonly remove: S3Operation
}

/** Returns the operations on a setting. What is stored is what was understood. Removing what is not set succeeds. */
export function makeSettingOperations<Value>(setting: BucketSetting<Value>): SettingOperations {
  const { document, noun, actions, read, describe, root } = setting
  return {
    get: {
      name: `Get${noun}`,
      action: `s3:${actions.GET}`,
      async run({ objects, bucket }) {
        const text = await objects.readBucketDocument(bucket, document)
        if (text !== undefined) return xmlReply(root, describe(read(text)))
        throw missingSetting(setting.missing, bucket)
      },
    },
    put: {
      name: `Put${noun}`,
      action: `s3:${actions.PUT}`,
      async run(call) {
        const payload = openBody(call, { maxBytes: setting.maxBytes })
        setting.checkDeclarations?.(payload.declarations)
        await requireBucket(call)
        const value = read((await readPayload(payload)).toString())
        await setting.check?.(value, call)
        const { body } = xmlReply(root, describe(value))
        await call.objects.writeBucketDocument(call.bucket, document, String(body))
        return { status: setting.putStatus ?? 200 }
      },
    },
    remove: {
      name: `Delete${noun}`,
      action: `s3:${actions.DELETE}`,
      async run({ objects, bucket }): Promise<HttpReply> {
        await objects.writeBucketDocument(bucket, document, undefined)
        return { status: 204 }
      },
    },
  }
}

/** Returns the error of a setting that is not set. */
export function missingSetting(
  [code, sentence]: readonly [string, string],
  bucket: string,
): AwsError {
  return new AwsError(code, sentence, { status: 404, details: { BucketName: bucket } })
}
