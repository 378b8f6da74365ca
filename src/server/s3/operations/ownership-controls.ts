import { makeSettingOperations } from '../request/bucket-setting.ts'
import { describeOwnershipControls, readOwnershipControls } from '../request/ownership.ts'
import { configurationLimits } from '../request/xml-limits.ts'

/** GET, PUT and DELETE of /bucket?ownershipControls. AWS has no action of its own for DELETE. */
export const ownershipControls = makeSettingOperations({
  document: 'ownershipControls',
  noun: 'BucketOwnershipControls',
  actions: {
    GET: 'GetBucketOwnershipControls',
    PUT: 'PutBucketOwnershipControls',
    DELETE: 'PutBucketOwnershipControls',
  },
  missing: ['OwnershipControlsNotFoundError', 'The bucket ownership controls were not found'],
  root: 'OwnershipControls',
  maxBytes: configurationLimits.maxBytes,
  read: readOwnershipControls,
  describe: describeOwnershipControls,
})
