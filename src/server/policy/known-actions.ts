/** The actions that a policy may name. A document with a misspelt action is rejected, because that action would grant or deny nothing. */
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

/** Actions of AWS for operations that a gateway forwards and MinIO's own store does not have. */
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

const knownActions: readonly string[] = [
  ...qualify('s3', s3Actions),
  ...qualify('s3', upstreamActions),
  ...qualify('sts', stsActions),
  ...qualify('admin', adminActions),
  ...qualify('kms', kmsActions),
]

const knownActionSet: ReadonlySet<string> = new Set(knownActions)
const knownActionPoints = knownActions.map(toCodePoints)

/** Returns true when the pattern (`s3:Get*`, `*`) matches at least one known action. */
export function coversKnownAction(pattern: string): boolean {
  if (knownActionSet.has(pattern)) return true
  if (!/[*?]/.test(pattern)) return false
  const wildcard = compileWildcard(pattern)
  return knownActionPoints.some((action) => matchesWildcard(wildcard, action))
}

function qualify(service: string, names: string): string[] {
  return names.split(/\s+/).map((name) => `${service}:${name}`)
}
