import { describe, expect, it } from 'vitest'
import { parseRoleDocument } from '../../../src/server/policy/role-document.ts'
import { findUntrustedClaims, parseRoleTrust } from '../../../src/server/policy/role-trust.ts'

const github = 'https://token.actions.githubusercontent.com'
const gitlab = 'https://gitlab.com'
const own = 'https://keycloak.example.com/realms/main'

/** The claims of a GitHub Actions job on the main branch. */
const job = {
  iss: github,
  aud: 'sts-cli',
  sub: 'repo:my-org/my-repo:ref:refs/heads/main',
  repository: 'my-org/my-repo',
  repository_owner: 'my-org',
  ref: 'refs/heads/main',
  ref_protected: 'true',
  event_name: 'push',
}

type Conditions = Readonly<Record<string, unknown>>

function trust(conditions: unknown, issuer = github, audience: unknown = 'sts-cli') {
  return parseRoleTrust({ issuer, audience, conditions }, 'role file')
}
const refusalOf = (...given: Parameters<typeof trust>): string => {
  try {
    trust(...given)
  } catch (error) {
    return error instanceof Error ? error.message : ''
  }
  return 'accepted'
}

describe('the trust policy of a role', () => {
  it.each<[string, Conditions]>([
    ['a repository', { StringEquals: { repository: 'my-org/my-repo' } }],
    ['a subject', { StringEquals: { sub: job.sub } }],
    ['a pattern for the subject', { StringLike: { sub: 'repo:my-org/my-repo:ref:refs/heads/*' } }],
    ['a whole organisation', { StringLike: { sub: 'repo:my-org/*' } }],
    ['one repository of two', { StringEquals: { repository: ['my-org/other', 'my-org/my-repo'] } }],
    ['a subject in AWS’s notation', { StringEquals: { [`${github.slice(8)}:sub`]: job.sub } }],
    ['a subject in the notation of policies', { StringEquals: { 'jwt:sub': job.sub } }],
    [
      'a repository and a branch',
      {
        StringEquals: { repository: 'my-org/my-repo', ref: 'refs/heads/main' },
        StringNotEquals: { event_name: 'pull_request' },
        Bool: { ref_protected: true },
      },
    ],
  ])('a role accepts a token by %s', (_what, conditions) => {
    expect(findUntrustedClaims(trust(conditions), job)).toEqual([])
  })

  it.each<[string, object, string[]]>([
    ['another issuer', { iss: `${github}/` }, ['iss']],
    ['another audience', { aud: 'other' }, ['aud']],
    ['the client ID instead of an audience', { aud: undefined, azp: 'sts-cli' }, ['aud']],
    ['another branch', { ref: 'refs/heads/dev' }, ['ref']],
    ['a repository with the same prefix', { repository: 'my-org/my-repo-2' }, ['repository']],
    ['a repository in another case', { repository: 'My-Org/my-repo' }, ['repository']],
    [
      'an object that contains the repository',
      { repository: { name: 'my-org/my-repo' } },
      ['repository'],
    ],
    ['no repository or branch', { repository: undefined, ref: undefined }, ['repository', 'ref']],
    ['no issuer', { iss: undefined }, ['iss']],
  ])('a role refuses a token with %s, and names the claims', (_what, change, claims) => {
    const given = trust({ StringEquals: { repository: 'my-org/my-repo', ref: 'refs/heads/main' } })
    expect(findUntrustedClaims(given, { ...job, ...change })).toEqual(claims)
  })

  it('only StringLike reads wildcards in the conditions of a role', () => {
    const exact = trust({ StringEquals: { repository: 'my-org/*' } })
    expect(findUntrustedClaims(exact, job)).toEqual(['repository'])
    expect(findUntrustedClaims(exact, { ...job, repository: 'my-org/*' })).toEqual([])
  })

  it('a role accepts any audience in its list, also for a token with several', () => {
    const given = trust({ StringEquals: { repository: 'my-org/my-repo' } }, github, ['a', 'b'])
    expect(findUntrustedClaims(given, { ...job, aud: ['b', 'c'] })).toEqual([])
    expect(findUntrustedClaims(given, { ...job, aud: ['c'] })).toEqual(['aud'])
  })
})

describe('trust policies that accept strangers', () => {
  it.each<[string, unknown]>([
    ['no conditions', undefined],
    ['empty conditions', {}],
    ['only an audience', { StringEquals: { aud: 'sts-cli' } }],
    ['only the issuer', { StringEquals: { iss: github } }],
    ['any subject', { StringLike: { sub: '*' } }],
    ['any repository', { StringLike: { sub: 'repo:*' } }],
    ['any owner', { StringLike: { sub: 'repo:*/my-repo:*' } }],
    ['owners with the same prefix', { StringLike: { sub: 'repo:my-org*' } }],
    ['a list with any repository in it', { StringLike: { sub: ['repo:my-org/*', 'repo:*'] } }],
    ['a branch name that every repository can have', { StringEquals: { ref: 'refs/heads/main' } }],
    ['a prefix of an owner', { StringLike: { repository_owner: 'my-org*' } }],
    ['a repository of any owner', { StringLike: { repository: '*/my-repo' } }],
    ['only a negated condition', { StringNotEquals: { repository: 'other/repo' } }],
    ['a condition with IfExists', { StringEqualsIfExists: { repository: 'my-org/my-repo' } }],
    ['a ForAllValues condition', { 'ForAllValues:StringEquals': { repository: 'my-org/my-repo' } }],
    ['the presence of a claim', { Null: { repository: false } }],
    ['an empty value', { StringEquals: { repository: '' } }],
    ['a claim compared with itself', { StringEquals: { repository: '${jwt:repository}' } }],
  ])('a role for a public issuer is refused with %s', (_what, conditions) => {
    expect(refusalOf(conditions)).not.toBe('accepted')
  })

  it('the error about a role that accepts strangers says what to write', () => {
    expect(refusalOf({ StringEquals: { ref: 'refs/heads/main' } })).toBe(
      `role file: ${github} serves everybody, and no condition keeps strangers out; name your own, such as "StringEquals": {"repository": "my-org/my-repo", "ref": "refs/heads/main"}`,
    )
  })

  it('a role that accepts strangers is refused for GitLab and Google too', () => {
    expect(refusalOf({ StringEquals: { ref: 'main' } }, gitlab)).toContain('serves everybody')
    expect(refusalOf({ StringEquals: { project_path: 'my/project' } }, gitlab)).toBe('accepted')
    expect(refusalOf({ StringLike: { sub: 'project_path:my/*' } }, gitlab)).toBe('accepted')
    expect(refusalOf({ StringEquals: { email: 'a@b' } }, 'https://accounts.google.com')).toBe(
      'accepted',
    )
  })

  it('a role for a private issuer is refused only if its conditions say nothing', () => {
    expect(refusalOf({ StringEquals: { department: 'ops' } }, own)).toBe('accepted')
    expect(refusalOf({ StringLike: { sub: '**' } }, own)).toContain('no condition says whose')
    expect(refusalOf({ StringEquals: { aud: 'x' } }, own)).toContain('no condition says whose')
  })
})

describe('role documents', () => {
  const role = {
    name: 'deploy',
    policies: ['readwrite'],
    trust: {
      issuer: github,
      audience: 'sts-cli',
      conditions: { StringEquals: { repository: 'my-org/my-repo' } },
    },
  }
  const read = (change: object): unknown =>
    parseRoleDocument(JSON.stringify({ ...role, ...change }), 'role deploy.json')

  it('a role document is parsed', () => {
    expect(read({ maxDurationSeconds: 3600, policies: 'readonly' })).toMatchObject({
      name: 'deploy',
      arn: undefined,
      policyNames: ['readonly'],
      maxDurationSeconds: 3600,
      trust: [{ issuer: github, audiences: ['sts-cli'] }],
    })
    const arn = 'arn:aws:iam::000000000000:role/ci/deploy'
    expect(read({ arn, trust: [role.trust, role.trust] })).toMatchObject({ arn })
  })

  it.each<[string, object, RegExp]>([
    ['an unknown member', { Policies: [] }, /unknown member Policies/],
    ['no name', { name: undefined }, /name must be/],
    ['a name with spaces', { name: 'a b' }, /name must be/],
    ['an ARN of something else', { arn: 'arn:aws:s3:::bucket' }, /arn must be/],
    ['no policies', { policies: [] }, /at least one policy/],
    ['a duration as text', { maxDurationSeconds: '1h' }, /maxDurationSeconds must be/],
    ['half a second', { maxDurationSeconds: 0.5 }, /maxDurationSeconds must be/],
    ['no trust', { trust: undefined }, /trust must say who/],
    ['an empty trust', { trust: [] }, /trust must say who/],
    ['a trust that is text', { trust: 'everybody' }, /trust must be an object/],
    [
      'an unknown member of trust',
      { trust: { ...role.trust, Issuer: 'x' } },
      /unknown member Issuer/,
    ],
    ['an issuer without a URL', { trust: { ...role.trust, issuer: 'github' } }, /not an https URL/],
    [
      'an http issuer',
      { trust: { ...role.trust, issuer: 'http://idp.example' } },
      /not an https URL/,
    ],
    ['no audience', { trust: { ...role.trust, audience: undefined } }, /audience is missing/],
    [
      'an unknown operator',
      { trust: { ...role.trust, conditions: { StringMatches: { sub: 'x' } } } },
      /no condition says whose/,
    ],
    [
      'an unknown operator beside a known one',
      { trust: { ...role.trust, conditions: { ...role.trust.conditions, Matches: { sub: 'x' } } } },
      /operator Matches is not supported/,
    ],
    [
      'a condition key that is not a claim',
      {
        trust: {
          ...role.trust,
          conditions: { ...role.trust.conditions, IpAddress: { 'aws:UserAgent': '10.0.0.0/8' } },
        },
      },
      /aws:UserAgent is no claim/,
    ],
  ])('a role document is refused with %s', (_what, change, message) => {
    expect(() => read(change)).toThrow(message)
    expect(() => read(change)).toThrow(/^role deploy\.json/)
  })

  it.each(['', '[]', '{', 'null', '"role"'])('the role document %j is refused', (text) => {
    expect(() => parseRoleDocument(text, 'role x')).toThrow('role x is not a JSON object')
  })
})
