/**
 * The actions that a policy may name, and those of other services. A document with a misspelt action of S3 or of MinIO's administration is
 * rejected, as at MinIO: it would grant or deny nothing.
 */
import { minioActions } from './minio-names.ts'
import { compileWildcard, matchesWildcard, toCodePoints } from './wildcard.ts'

/** Actions of Amazon S3 that MinIO does not have (AWS service authorization reference, "Actions defined by Amazon S3"). */
const awsActions = `AssociateAccessGrantsIdentityCenter CreateAccessGrant CreateAccessPoint CreateJob DeleteAccessPoint DeleteAccessPointPolicy
DeleteBucketOwnershipControls DeleteBucketTagging DeleteBucketWebsite DeleteJobTagging DescribeJob DescribeMultiRegionAccessPointOperation
GetAccelerateConfiguration GetAccessPoint GetAccessPointPolicy GetAccessPointPolicyStatus GetAccountPublicAccessBlock
GetAnalyticsConfiguration GetBucketAcl GetBucketCORS GetBucketLogging GetBucketOwnershipControls GetBucketPublicAccessBlock
GetBucketRequestPayment GetBucketWebsite GetDataAccess GetIntelligentTieringConfiguration GetInventoryConfiguration GetJobTagging
GetMetricsConfiguration GetObjectAcl GetObjectTorrent GetObjectVersionAcl GetObjectVersionTorrent GetStorageLensConfiguration
InitiateReplication ListAccessPoints ListJobs ListStorageLensConfigurations ListTagsForResource ObjectOwnerOverrideToBucketOwner
PutAccelerateConfiguration PutAccessPointPolicy PutAccountPublicAccessBlock PutAnalyticsConfiguration PutBucketAcl PutBucketCORS
PutBucketLogging PutBucketOwnershipControls PutBucketPublicAccessBlock PutBucketRequestPayment PutBucketWebsite
PutIntelligentTieringConfiguration PutInventoryConfiguration PutJobTagging PutMetricsConfiguration PutObjectAcl PutObjectVersionAcl
TagResource UntagResource UpdateJobPriority UpdateJobStatus`

/** MinIO's actions of the STS and AWS's (AWS service authorization reference, "Actions defined by AWS Security Token Service"). */
const stsActions = `AssumeRole AssumeRoleWithClientGrants AssumeRoleWithWebIdentity AssumeRoleWithLDAPIdentity
AssumeRoleWithCertificate AssumeRoleWithCustomToken AssumeRoleWithSAML AssumeRoot DecodeAuthorizationMessage GetAccessKeyInfo GetCallerIdentity
GetFederationToken GetServiceBearerToken GetSessionToken SetContext SetSourceIdentity TagSession`

const knownActions: readonly string[] = [
  ...minioActions,
  ...qualify('s3', awsActions),
  ...qualify('sts', stsActions),
]

/**
 * The name of each action by its text in lower case. AWS compares actions without case (IAM User Guide, "IAM JSON policy elements: Action"), and
 * writes `s3:PutBucketCORS` where MinIO writes `s3:PutBucketCors`, by which the server asks.
 */
const namesByLower: ReadonlyMap<string, string> = new Map(
  knownActions.toReversed().map((action) => [action.toLowerCase(), action]),
)
const knownActionPoints = [...namesByLower.keys()].map(toCodePoints)

/** Returns the name by which the server asks for an action that is written in any case; undefined for an unknown one. */
export function findKnownAction(name: string): string | undefined {
  return namesByLower.get(name.toLowerCase())
}

/** Returns true when the pattern (`s3:Get*`, `*`) matches at least one known action, in any case. */
export function coversKnownAction(pattern: string): boolean {
  const lower = pattern.toLowerCase()
  if (namesByLower.has(lower)) return true
  if (!/[*?]/.test(lower)) return false
  const wildcard = compileWildcard(lower)
  return knownActionPoints.some((action) => matchesWildcard(wildcard, action))
}

/** Returns the known actions that a pattern matches, in lower case. */
export function listKnownActions(pattern: string): string[] {
  const wildcard = compileWildcard(pattern.toLowerCase())
  return [...namesByLower.keys()].filter((name) => matchesWildcard(wildcard, toCodePoints(name)))
}

/**
 * Returns true for an action that can only be another service's, such as `kms:Decrypt` or `glue:*`. The service's name has no wildcard. It is
 * not `s3`, one letter away from it, or `admin`, in any case: an unknown action of these is a misspelt one. AWS has no such service.
 */
export function isOtherServiceAction(action: string): boolean {
  const [, service = 's3'] = /^([a-z0-9][a-z0-9-]*):[a-z0-9*?]+$/i.exec(action) ?? []
  return !/^(s.?|.?3|admin)$/i.test(service) && !coversKnownAction(action)
}

/** Returns whether an action is of the administration, the STS or the keys, and so about no bucket or object. */
export function isWithoutResource(action: string): boolean {
  return /^(admin|sts|kms):/i.test(action)
}

function qualify(service: string, names: string): string[] {
  return names.split(/\s+/).map((name) => `${service}:${name}`)
}
