/**
 * Issuers that give a token to anybody who asks, and the claims of theirs that tell one customer from the next. A role that trusts such an
 * issuer without a condition on one of those trusts the whole world.
 */
interface PublicIssuer {
  readonly pattern: RegExp
  /** Claims that name a customer; with a `/` in them, a wildcard may only come after the first one. */
  readonly owners: readonly string[]
  /** What the fixed beginning of a `sub` must be to name a customer. */
  readonly subject: RegExp
  /** For the hint. */
  readonly example: string
}

const publicIssuers: readonly PublicIssuer[] = [
  {
    pattern: /^https:\/\/token\.actions\.githubusercontent\.com(?:\/|$)/i,
    owners: ['repository', 'repository_id', 'repository_owner', 'repository_owner_id'],
    subject: /^repo:[^/:]+\//,
    example: '"StringEquals": {"repository": "my-org/my-repo", "ref": "refs/heads/main"}',
  },
  {
    pattern: /^https:\/\/gitlab\.com(?:\/|$)/i,
    owners: ['project_path', 'project_id', 'namespace_path', 'namespace_id'],
    subject: /^project_path:[^/:]+\//,
    example: '"StringEquals": {"project_path": "my-group/my-project", "ref_protected": "true"}',
  },
  {
    pattern: /^https:\/\/accounts\.google\.com(?:\/|$)/i,
    owners: ['email', 'hd'],
    subject: /^\d+$/,
    example: '"StringEquals": {"sub": "the account’s number"}',
  },
  {
    pattern: /^https:\/\/agent\.buildkite\.com(?:\/|$)/i,
    owners: ['organization_slug', 'organization_id', 'pipeline_id'],
    subject: /^organization:[^:]+:/,
    example: '"StringEquals": {"organization_slug": "my-org"}',
  },
  {
    pattern: /^https:\/\/app\.terraform\.io(?:\/|$)/i,
    owners: ['terraform_organization_name', 'terraform_organization_id', 'terraform_workspace_id'],
    subject: /^organization:[^:]+:/,
    example: '"StringEquals": {"terraform_organization_name": "my-org"}',
  },
]

/** The entry of an issuer that serves everybody; undefined for one of your own. */
export function findPublicIssuer(issuer: string): PublicIssuer | undefined {
  return publicIssuers.find(({ pattern }) => pattern.test(issuer))
}

/** Whether a value that a claim must have, or be like, belongs to one customer alone. */
export function namesOwner(
  { owners, subject }: PublicIssuer,
  claim: string,
  { value, isPattern }: { readonly value: string; readonly isPattern: boolean },
): boolean {
  const at = isPattern ? value.search(/[*?]/) : -1
  const fixed = at === -1 ? value : value.slice(0, at)
  if (claim === 'sub') return subject.test(fixed)
  if (!owners.includes(claim)) return false
  return at === -1 ? value !== '' : /^[^/]+\//.test(fixed)
}
