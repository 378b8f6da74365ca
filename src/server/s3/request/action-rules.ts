/** The IAM actions that a request needs because of its headers or its version ID. Both backends use these rules. */

interface HeaderRule {
  readonly pattern: RegExp
  readonly object: readonly string[]
  readonly bucket: readonly string[]
}

/** Each pattern begins with `x-amz-`. Actions that a header needs besides the operation's own (AWS service authorization reference, and "Permissions" of each operation). */
const rules: readonly HeaderRule[] = [
  {
    pattern: /^x-amz-(acl|grant-.*)$/,
    object: ['s3:PutObjectAcl'],
    bucket: ['s3:PutBucketAcl'],
  },
  { pattern: /^x-amz-tagging$/, object: ['s3:PutObjectTagging'], bucket: [] },
  {
    pattern: /^x-amz-object-lock-(mode|retain-until-date)$/,
    object: ['s3:PutObjectRetention'],
    bucket: [],
  },
  { pattern: /^x-amz-object-lock-legal-hold$/, object: ['s3:PutObjectLegalHold'], bucket: [] },
  {
    pattern: /^x-amz-bypass-governance-retention$/,
    object: ['s3:BypassGovernanceRetention'],
    bucket: [],
  },
  {
    pattern: /^x-amz-bucket-object-lock-enabled$/,
    object: [],
    bucket: ['s3:PutBucketObjectLockConfiguration', 's3:PutBucketVersioning'],
  },
  { pattern: /^x-amz-object-ownership$/, object: [], bucket: ['s3:PutBucketOwnershipControls'] },
]

/** Headers that ask for nothing with the value `false`, which some SDKs send. */
const flags = new Set(['x-amz-bucket-object-lock-enabled', 'x-amz-bypass-governance-retention'])

/** Returns whether a header asks for nothing because of its value, so that it needs no action. */
export function isIdleFlag(name: string, value: string | undefined): boolean {
  return flags.has(name) && value?.toLowerCase() === 'false'
}

/** Returns the actions that headers with these (lower-case) names need. */
export function actionsOfHeaders(names: Iterable<string>, level: 'bucket' | 'object'): string[] {
  const actions = new Set<string>()
  for (const name of names) {
    if (!name.startsWith('x-amz-')) continue
    for (const rule of rules)
      if (rule.pattern.test(name)) for (const action of rule[level]) actions.add(action)
  }
  return [...actions]
}

/**
 * Returns the action on a version of an object: `s3:GetObjectTagging` becomes `s3:GetObjectVersionTagging`. Object locks have one
 * action for both, and so do actions without `Object` in their name (AWS service authorization reference).
 */
export function nameVersionAction(action: string): string {
  return /Retention|LegalHold/.test(action) ? action : action.replace('Object', 'ObjectVersion')
}
