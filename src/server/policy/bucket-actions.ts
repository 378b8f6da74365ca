/** What the actions of S3 are about, and which of them a bucket policy cannot give (AWS service authorization reference, "Actions defined by Amazon S3"). */

/** Actions on objects whose names do not say so, or seem to say something else. */
const objectActions: ReadonlySet<string> = new Set(
  `s3:abortmultipartupload s3:bypassgovernanceretention s3:initiatereplication s3:listmultipartuploadparts
  s3:objectowneroverridetobucketowner s3:replicatedelete s3:replicateobject s3:replicatetags`.split(
    /\s+/,
  ),
)

/** Returns whether an action is about an object, and not about its bucket. */
export function isObjectAction(action: string): boolean {
  const lower = action.toLowerCase()
  if (objectActions.has(lower)) return true
  return lower.includes('object') && !lower.includes('bucket')
}

/** Returns whether a bucket policy may give an action. A bucket exists only after its creation, and the list of all buckets is of no bucket. */
export function isGivenByBucketPolicy(action: string): boolean {
  return action.startsWith('s3:') && !/^s3:(CreateBucket|ListAllMyBuckets)$/.test(action)
}

/** Actions on objects that need somebody who is known: retention and legal holds are promises of the account. */
const accountActions =
  /^s3:(BypassGovernanceRetention|PutObject(Retention|LegalHold)|Replicate.*|ForceDeleteBucket)$/

/**
 * Returns whether a bucket policy may give an action to callers who did not sign: what is done with objects, and what a bucket's lists and settings say.
 * The policy itself belongs to the account at AWS too ("PutBucketPolicy"), and so do here all changes of a bucket's settings.
 */
export function isGivenToAnonymous(action: string): boolean {
  if (!isGivenByBucketPolicy(action) || accountActions.test(action)) return false
  if (isObjectAction(action)) return true
  return /^s3:(Get|List|Head)/.test(action) && !action.startsWith('s3:GetBucketPolicy')
}

/** The actions that root's credentials always keep, so that no bucket policy locks its owner out (AWS, "PutBucketPolicy"). */
export function isKeptByRoot(action: string): boolean {
  return /^s3:(Get|Put|Delete)BucketPolicy$/.test(action)
}
