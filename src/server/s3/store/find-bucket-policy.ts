import { parseBucketPolicy, type BucketPolicy } from '../../policy/bucket-policy.ts'
import type { FindBucketPolicy } from '../../policy/combine-policies.ts'
import { isPublicPolicy } from '../../policy/public-policy.ts'
import type { ObjectStore } from '../request/object-store.ts'
import { readPublicAccessBlock } from '../request/public-access-block.ts'
import { createDocumentReader } from '../request/document-reader.ts'

interface KeptPolicy {
  /** Undefined if it cannot be read any more. */
  readonly policy: BucketPolicy | undefined
  readonly isPublic: boolean
}

/** Returns a function that finds the policy of a bucket as it applies, with the bucket's public access block. */
export function createPolicyFinder(objects: ObjectStore): FindBucketPolicy {
  const readPolicy = createDocumentReader(objects, 'policy', keepPolicy)
  const readBlock = createDocumentReader(objects, 'publicAccessBlock', readPublicAccessBlock)
  const isRestricted = (bucket: string): boolean => {
    try {
      return readBlock(bucket)?.RestrictPublicBuckets ?? false
    } catch {
      return true
    }
  }
  return (bucket) => {
    const kept = readPolicy(bucket)
    if (kept === undefined) return undefined
    const { policy, isPublic } = kept
    return { policy, isRestricted: isPublic && isRestricted(bucket) }
  }
}

/** A policy was valid when it was stored; one that is not any more allows nothing. */
function keepPolicy(text: string, bucket: string): KeptPolicy {
  try {
    const policy = parseBucketPolicy(text, bucket)
    return { policy, isPublic: isPublicPolicy(policy) }
  } catch {
    return { policy: undefined, isPublic: false }
  }
}
