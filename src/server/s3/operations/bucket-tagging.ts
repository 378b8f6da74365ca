import { makeSettingOperations } from '../request/bucket-setting.ts'
import { checkTags } from '../request/tag-header.ts'
import { describeTagSet, readTagSet } from '../request/tag-set.ts'
import { taggingLimits } from '../request/xml-limits.ts'

/** AWS, "PutBucketTagging". */
const rules = {
  maxTags: 50,
  tooMany: 'Bucket tag count cannot be greater than 50',
}

/** GET, PUT and DELETE of /bucket?tagging. AWS has no action of its own for DELETE. */
export const bucketTagging = makeSettingOperations({
  document: 'tagging',
  noun: 'BucketTagging',
  actions: { GET: 'GetBucketTagging', PUT: 'PutBucketTagging', DELETE: 'PutBucketTagging' },
  missing: ['NoSuchTagSet', 'The TagSet does not exist'],
  root: 'Tagging',
  maxBytes: taggingLimits.maxBytes,
  putStatus: 204,
  read: (text) => checkTags(readTagSet(text), rules),
  describe: describeTagSet,
})
