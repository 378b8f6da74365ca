/** The default encryption of a bucket: /bucket?encryption (AWS, "PutBucketEncryption"). */
import { AwsError } from '../../../protocol/aws-error.ts'
import { childrenOf, childText, malformed, parseXml } from '../../../protocol/xml.ts'
import { makeSettingOperations } from '../request/bucket-setting.ts'
import { elements } from '../request/s3-xml.ts'
import { configurationLimits } from '../request/xml-limits.ts'

/** Whether S3 would use a bucket key; it has a meaning for KMS only, and is returned as it was set. */
type BucketKey = 'true' | 'false' | undefined

/** GET, PUT and DELETE of /bucket?encryption. AWS has no action of its own for DELETE. */
export const bucketEncryption = makeSettingOperations<{ bucketKey: BucketKey }>({
  document: 'encryption',
  noun: 'BucketEncryption',
  actions: {
    GET: 'GetEncryptionConfiguration',
    PUT: 'PutEncryptionConfiguration',
    DELETE: 'PutEncryptionConfiguration',
  },
  missing: [
    'ServerSideEncryptionConfigurationNotFoundError',
    'The server side encryption configuration was not found',
  ],
  root: 'ServerSideEncryptionConfiguration',
  maxBytes: configurationLimits.maxBytes,
  read: readEncryption,
  describe: ({ bucketKey }) =>
    elements({
      Rule: elements({
        ApplyServerSideEncryptionByDefault: elements({ SSEAlgorithm: 'AES256' }),
        BucketKeyEnabled: bucketKey,
      }),
    }),
})

/** @throws {AwsError} `MalformedXML`; `NotImplemented` for keys of a KMS. */
function readEncryption(text: string): { bucketKey: BucketKey } {
  const root = parseXml(text, configurationLimits)
  const [rule, ...more] = childrenOf(root, 'Rule')
  if (
    root.name !== 'ServerSideEncryptionConfiguration' ||
    rule === undefined ||
    more.length + 1 !== root.children.length ||
    more.length > 0
  )
    throw malformed('the body must be a ServerSideEncryptionConfiguration with one Rule')
  const [byDefault] = childrenOf(rule, 'ApplyServerSideEncryptionByDefault')
  const known = new Set(['ApplyServerSideEncryptionByDefault', 'BucketKeyEnabled'])
  if (byDefault === undefined || rule.children.some(({ name }) => !known.has(name)))
    throw malformed('a Rule must have ApplyServerSideEncryptionByDefault')
  const algorithm = childText(byDefault, 'SSEAlgorithm')?.trim() ?? ''
  if (/^aws:(kms|kms:dsse|fsx)$/.test(algorithm))
    throw new AwsError(
      'NotImplemented',
      `${algorithm} is not supported: there is no key management service; use AES256`,
      { sentence: 'Server side encryption specified but KMS is not configured' },
    )
  if (algorithm !== 'AES256') throw malformed('SSEAlgorithm must be AES256')
  if (childText(byDefault, 'KMSMasterKeyID') !== undefined)
    throw new AwsError('InvalidArgument', 'KMSMasterKeyID has no meaning with AES256', {
      sentence:
        'a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse',
    })
  const key = childText(rule, 'BucketKeyEnabled')?.trim().toLowerCase()
  if (key !== undefined && key !== 'true' && key !== 'false')
    throw malformed('BucketKeyEnabled must be true or false')
  return { bucketKey: key }
}
