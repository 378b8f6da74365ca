/** Actions a policy may name. A document with a misspelt action is refused: it would look like a permission and be none. */
import { compileWildcard, matchesWildcard, toCodePoints } from './wildcard.ts'

const s3Actions = `AbortMultipartUpload BypassGovernanceRetention CreateBucket DeleteBucket DeleteBucketCors
DeleteBucketPolicy DeleteBucketTagging DeleteObject DeleteObjectTagging DeleteObjectVersion DeleteObjectVersionTagging ForceDeleteBucket
GetBucketAcl GetBucketCORS GetBucketCors GetBucketLocation GetBucketNotification GetBucketObjectLockConfiguration GetBucketPolicy
GetBucketPolicyStatus GetBucketTagging GetBucketVersioning GetEncryptionConfiguration GetInventoryConfiguration GetLifecycleConfiguration
GetObject GetObjectAcl GetObjectAttributes GetObjectLegalHold GetObjectRetention GetObjectTagging GetObjectVersion
GetObjectVersionAttributes GetObjectVersionForReplication GetObjectVersionTagging GetReplicationConfiguration HeadBucket
ListAllMyBuckets ListBucket ListBucketMultipartUploads ListBucketVersions ListMultipartUploadParts ListenBucketNotification
ListenNotification PutBucketAcl PutBucketCORS PutBucketCors PutBucketNotification PutBucketObjectLockConfiguration PutBucketPolicy
PutBucketTagging PutBucketVersioning PutEncryptionConfiguration PutInventoryConfiguration PutLifecycleConfiguration PutObject PutObjectAcl
PutObjectFanOut PutObjectLegalHold PutObjectRetention PutObjectTagging PutObjectVersionTagging PutReplicationConfiguration ReplicateDelete
ReplicateObject ReplicateTags ResetBucketReplicationState RestoreObject`

/** AWS's, of what a gateway passes on and MinIO's own store has not. */
const upstreamActions = `DeleteBucketWebsite GetAccelerateConfiguration GetAnalyticsConfiguration GetBucketLogging
GetBucketOwnershipControls GetBucketPublicAccessBlock GetBucketRequestPayment GetBucketWebsite GetIntelligentTieringConfiguration
GetMetricsConfiguration GetObjectTorrent GetObjectVersionAcl PutAccelerateConfiguration PutAnalyticsConfiguration PutBucketLogging
PutBucketOwnershipControls PutBucketPublicAccessBlock PutBucketRequestPayment PutBucketWebsite PutIntelligentTieringConfiguration
PutMetricsConfiguration PutObjectVersionAcl`

const stsActions = `AssumeRole AssumeRoleWithClientGrants AssumeRoleWithWebIdentity AssumeRoleWithLDAPIdentity
AssumeRoleWithCertificate AssumeRoleWithCustomToken`

const adminActions = `Profiling ServerTrace ConsoleLog ServerInfo TopLocksInfo OBDInfo BandwidthMonitor Prometheus Heal
ServerUpdate ServiceRestart ServiceStop ConfigUpdate CreateUser DeleteUser ListUsers EnableUser DisableUser GetUser CreatePolicy DeletePolicy
GetPolicy AttachUserOrGroupPolicy ListUserPolicies CreateServiceAccount UpdateServiceAccount RemoveServiceAccount ListServiceAccounts
ListTemporaryAccounts SetBucketQuota GetBucketQuota`

const kmsActions =
  'Status Metrics API Version CreateKey DeleteKey ListKeys ImportKey KeyStatus DescribePolicy'

const known: readonly string[] = [
  ...qualify('s3', s3Actions),
  ...qualify('s3', upstreamActions),
  ...qualify('sts', stsActions),
  ...qualify('admin', adminActions),
  ...qualify('kms', kmsActions),
]

const knownNames: ReadonlySet<string> = new Set(known)
const knownPoints = known.map(toCodePoints)

/** True when the pattern (`s3:Get*`, `*`) covers at least one action there is. */
export function coversKnownAction(pattern: string): boolean {
  if (knownNames.has(pattern)) return true
  if (!/[*?]/.test(pattern)) return false
  const wildcard = compileWildcard(pattern)
  return knownPoints.some((action) => matchesWildcard(wildcard, action))
}

function qualify(service: string, names: string): string[] {
  return names.split(/\s+/).map((name) => `${service}:${name}`)
}
