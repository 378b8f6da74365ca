/**
 * A public issuer: anybody can get a token from it. Some of its claims name the customer. A role that trusts a public issuer without a
 * condition on one of these claims trusts everybody.
 */
interface PublicIssuer {
  /** Matches the `iss` claim. */
  readonly issuerPattern: RegExp
  /** The claims that name a customer. In such a claim, a wildcard may only follow the first `/`. */
  readonly ownerClaims: readonly string[]
  /** Matches the fixed beginning of a `sub` that names a customer. */
  readonly subjectPattern: RegExp
  /** An example of a condition, for the error message. */
  readonly example: string
}

const publicIssuers: readonly PublicIssuer[] = [
  {
    issuerPattern: /^https:\/\/token\.actions\.githubusercontent\.com(?:\/|$)/i,
    ownerClaims: ['repository', 'repository_id', 'repository_owner', 'repository_owner_id'],
    subjectPattern: /^repo:[^/:]+\//,
    example: '"StringEquals": {"repository": "my-org/my-repo", "ref": "refs/heads/main"}',
  },
  {
    issuerPattern: /^https:\/\/gitlab\.com(?:\/|$)/i,
    ownerClaims: ['project_path', 'project_id', 'namespace_path', 'namespace_id'],
    subjectPattern: /^project_path:[^/:]+\//,
    example: '"StringEquals": {"project_path": "my-group/my-project", "ref_protected": "true"}',
  },
  {
    issuerPattern: /^https:\/\/accounts\.google\.com(?:\/|$)/i,
    ownerClaims: ['email', 'hd'],
    subjectPattern: /^\d+$/,
    example: '"StringEquals": {"sub": "the account’s number"}',
  },
  {
    issuerPattern: /^https:\/\/agent\.buildkite\.com(?:\/|$)/i,
    ownerClaims: ['organization_slug', 'organization_id', 'pipeline_id'],
    subjectPattern: /^organization:[^:]+:/,
    example: '"StringEquals": {"organization_slug": "my-org"}',
  },
  {
    issuerPattern: /^https:\/\/app\.terraform\.io(?:\/|$)/i,
    ownerClaims: [
      'terraform_organization_name',
      'terraform_organization_id',
      'terraform_workspace_id',
    ],
    subjectPattern: /^organization:[^:]+:/,
    example: '"StringEquals": {"terraform_organization_name": "my-org"}',
  },
]

/** Returns the entry of a public issuer; undefined for an issuer that is not public, such as a company's own. */
export function findPublicIssuer(issuer: string): PublicIssuer | undefined {
  return publicIssuers.find(({ issuerPattern }) => issuerPattern.test(issuer))
}

/**
 * Returns whether a condition value limits a claim to one customer of a public issuer.
 *
 * @param condition The value of the condition, and whether `*` and `?` in it are wildcards.
 */
export function namesOwner(
  { ownerClaims, subjectPattern }: PublicIssuer,
  claim: string,
  { value, isPattern }: { readonly value: string; readonly isPattern: boolean },
): boolean {
  const at = isPattern ? value.search(/[*?]/) : -1
  const fixed = at === -1 ? value : value.slice(0, at)
  if (claim === 'sub') return subjectPattern.test(fixed)
  if (!ownerClaims.includes(claim)) return false
  return at === -1 ? value !== '' : /^[^/]+\//.test(fixed)
}
