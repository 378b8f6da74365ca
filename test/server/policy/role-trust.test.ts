import { describe, expect, it } from 'vitest'
import { parseRoleDocument } from '../../../src/server/policy/role-document.ts'
import { findDistrust, parseRoleTrust } from '../../../src/server/policy/role-trust.ts'

const github = 'https://token.actions.githubusercontent.com'
const gitlab = 'https://gitlab.com'
const own = 'https://keycloak.example.com/realms/main'

/** What a job of GitHub Actions on the main branch says of itself. */
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

describe('a role’s trust', () => {
  it.each<[string, Conditions]>([
    ['a repository', { StringEquals: { repository: 'my-org/my-repo' } }],
    ['a subject', { StringEquals: { sub: job.sub } }],
    ['a subject’s pattern', { StringLike: { sub: 'repo:my-org/my-repo:ref:refs/heads/*' } }],
    ['all of an organisation', { StringLike: { sub: 'repo:my-org/*' } }],
    ['one of several', { StringEquals: { repository: ['my-org/other', 'my-org/my-repo'] } }],
    ['a subject, as AWS writes it', { StringEquals: { [`${github.slice(8)}:sub`]: job.sub } }],
    ['a subject, as policies write it', { StringEquals: { 'jwt:sub': job.sub } }],
    [
      'a repository and a branch',
      {
        StringEquals: { repository: 'my-org/my-repo', ref: 'refs/heads/main' },
        StringNotEquals: { event_name: 'pull_request' },
        Bool: { ref_protected: true },
      },
    ],
  ])('lets a token in by %s', (_what, conditions) => {
    expect(findDistrust(trust(conditions), job)).toEqual([])
  })

  it.each<[string, object, string[]]>([
    ['another issuer', { iss: `${github}/` }, ['iss']],
    ['another audience', { aud: 'other' }, ['aud']],
    ['no audience but the client’s', { aud: undefined, azp: 'sts-cli' }, ['aud']],
    ['another branch', { ref: 'refs/heads/dev' }, ['ref']],
    ['a repository that begins alike', { repository: 'my-org/my-repo-2' }, ['repository']],
    ['a repository in other case', { repository: 'My-Org/my-repo' }, ['repository']],
    [
      'a list with the repository in it',
      { repository: { name: 'my-org/my-repo' } },
      ['repository'],
    ],
    ['neither', { repository: undefined, ref: undefined }, ['repository', 'ref']],
    ['nothing', { iss: undefined }, ['iss']],
  ])('keeps a token out with %s, and says which claims do', (_what, change, claims) => {
    const given = trust({ StringEquals: { repository: 'my-org/my-repo', ref: 'refs/heads/main' } })
    expect(findDistrust(given, { ...job, ...change })).toEqual(claims)
  })

  it('takes a pattern’s wildcards from the operator alone', () => {
    const exact = trust({ StringEquals: { repository: 'my-org/*' } })
    expect(findDistrust(exact, job)).toEqual(['repository'])
    expect(findDistrust(exact, { ...job, repository: 'my-org/*' })).toEqual([])
  })

  it('takes any audience of a list, on both sides', () => {
    const given = trust({ StringEquals: { repository: 'my-org/my-repo' } }, github, ['a', 'b'])
    expect(findDistrust(given, { ...job, aud: ['b', 'c'] })).toEqual([])
    expect(findDistrust(given, { ...job, aud: ['c'] })).toEqual(['aud'])
  })
})

describe('a trust that lets strangers in', () => {
  it.each<[string, unknown]>([
    ['no conditions', undefined],
    ['none that says anything', {}],
    ['an audience alone', { StringEquals: { aud: 'sts-cli' } }],
    ['the issuer alone', { StringEquals: { iss: github } }],
    ['anything', { StringLike: { sub: '*' } }],
    ['anybody', { StringLike: { sub: 'repo:*' } }],
    ['any owner', { StringLike: { sub: 'repo:*/my-repo:*' } }],
    ['an owner that begins alike', { StringLike: { sub: 'repo:my-org*' } }],
    ['one of which is anybody', { StringLike: { sub: ['repo:my-org/*', 'repo:*'] } }],
    ['a branch, which everybody has', { StringEquals: { ref: 'refs/heads/main' } }],
    ['an owner’s beginning', { StringLike: { repository_owner: 'my-org*' } }],
    ['a repository of any owner', { StringLike: { repository: '*/my-repo' } }],
    ['what it must not be', { StringNotEquals: { repository: 'other/repo' } }],
    ['what it must be if it is there', { StringEqualsIfExists: { repository: 'my-org/my-repo' } }],
    ['all of no values', { 'ForAllValues:StringEquals': { repository: 'my-org/my-repo' } }],
    ['what is there', { Null: { repository: false } }],
    ['an empty name', { StringEquals: { repository: '' } }],
    ['itself', { StringEquals: { repository: '${jwt:repository}' } }],
  ])('is refused at a public issuer: %s', (_what, conditions) => {
    expect(refusalOf(conditions)).not.toBe('accepted')
  })

  it('is told what to write', () => {
    expect(refusalOf({ StringEquals: { ref: 'refs/heads/main' } })).toBe(
      `role file: ${github} serves everybody, and no condition keeps strangers out; name your own, such as "StringEquals": {"repository": "my-org/my-repo", "ref": "refs/heads/main"}`,
    )
  })

  it('is refused at GitLab’s and at others’ addresses too', () => {
    expect(refusalOf({ StringEquals: { ref: 'main' } }, gitlab)).toContain('serves everybody')
    expect(refusalOf({ StringEquals: { project_path: 'my/project' } }, gitlab)).toBe('accepted')
    expect(refusalOf({ StringLike: { sub: 'project_path:my/*' } }, gitlab)).toBe('accepted')
    expect(refusalOf({ StringEquals: { email: 'a@b' } }, 'https://accounts.google.com')).toBe(
      'accepted',
    )
  })

  it('is refused at one’s own issuer only where it says nothing', () => {
    expect(refusalOf({ StringEquals: { department: 'ops' } }, own)).toBe('accepted')
    expect(refusalOf({ StringLike: { sub: '**' } }, own)).toContain('no condition says whose')
    expect(refusalOf({ StringEquals: { aud: 'x' } }, own)).toContain('no condition says whose')
  })
})

describe('a role document', () => {
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

  it('is read', () => {
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
    ['a duration in words', { maxDurationSeconds: '1h' }, /maxDurationSeconds must be/],
    ['half a second', { maxDurationSeconds: 0.5 }, /maxDurationSeconds must be/],
    ['no trust', { trust: undefined }, /trust must say who/],
    ['an empty trust', { trust: [] }, /trust must say who/],
    ['a trust of words', { trust: 'everybody' }, /trust must be an object/],
    [
      'an unknown member of trust',
      { trust: { ...role.trust, Issuer: 'x' } },
      /unknown member Issuer/,
    ],
    ['a word for an issuer', { trust: { ...role.trust, issuer: 'github' } }, /not an https URL/],
    [
      'a plain issuer',
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
      'a key that is no claim',
      {
        trust: {
          ...role.trust,
          conditions: { ...role.trust.conditions, IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } },
        },
      },
      /aws:SourceIp is no claim/,
    ],
  ])('is refused with %s', (_what, change, message) => {
    expect(() => read(change)).toThrow(message)
    expect(() => read(change)).toThrow(/^role deploy\.json/)
  })

  it.each(['', '[]', '{', 'null', '"role"'])('is not %j', (text) => {
    expect(() => parseRoleDocument(text, 'role x')).toThrow('role x is not a JSON object')
  })
})
