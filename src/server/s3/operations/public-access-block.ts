import { describePublicAccessBlock, readPublicAccessBlock } from '../request/public-access-block.ts'
import { makeSettingOperations } from '../request/bucket-setting.ts'
import { configurationLimits } from '../request/xml-limits.ts'

/** GET, PUT and DELETE of /bucket?publicAccessBlock. AWS has no action of its own for DELETE. */
export const publicAccessBlock = makeSettingOperations({
  document: 'publicAccessBlock',
  noun: 'PublicAccessBlock',
  actions: {
    GET: 'GetBucketPublicAccessBlock',
    PUT: 'PutBucketPublicAccessBlock',
    DELETE: 'PutBucketPublicAccessBlock',
  },
  missing: [
    'NoSuchPublicAccessBlockConfiguration',
    'The public access block configuration was not found',
  ],
  root: 'PublicAccessBlockConfiguration',
  maxBytes: configurationLimits.maxBytes,
  read: readPublicAccessBlock,
  describe: describePublicAccessBlock,
})
