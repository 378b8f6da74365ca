/**
 * The parameters of a session as AWS's STS has them, each checked before anything is sent. Lengths, counts and characters are those of the AWS
 * STS API Reference (AssumeRole, Tag, PolicyDescriptorType).
 */
import { StsCliError } from '../../base/errors.ts'
import { toPrintable } from '../../base/terminal/printable.ts'
import type {
  Expectations,
  SessionParameters,
  SessionTag,
  StsActionName,
  ExchangeOptions,
} from '../../client/options.ts'
import { readSeconds, readUrl, type Settings } from '../options/settings.ts'

/** AWS ends a session of a chained role after an hour and refuses a longer one (IAM User Guide, "Role chaining"). */
const maxChainSeconds = 3600
/** AWS has no limit; nobody has more steps than this, and each is a request. */
const maxRoles = 10
const maxPolicyArns = 10
const maxTags = 50
const arnPattern = /^arn:[\x20-\x7e\u0085\u00a0-\ud7ff\ue000-\ufffd]{16,2044}$/u
const tagCharacters = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u
const externalIdPattern = /^[\w+=,.@:/-]{2,1224}$/
const sourceIdentityPattern = /^[\w+=,.@-]{2,64}$/

/** The flags that only `AssumeRole` takes: for a token, AWS reads tags and source identity from its claims. */
const assumeRoleFlags = ['tag', 'transitive-tag', 'external-id', 'source-identity'] as const

type ReadParameters = SessionParameters & Pick<ExchangeOptions, 'roleArn' | 'furtherRoleArns'>

/**
 * Reads roles, lifetime, policy ARNs, tags, external ID and source identity. What is not given stays undefined.
 *
 * @throws {StsCliError} `ERR_USAGE` naming the value and the limit; also where the action has no such parameter, because an STS ignores what it
 *   does not know, and the credentials would have more rights than was asked for.
 */
export function readSessionParameters(settings: Settings, action: StsActionName): ReadParameters {
  const [roleArn, ...further] = readRoles(settings)
  const isChain = further.length > 0
  checkTaken(settings, action, isChain)
  const tags = readTags(settings)
  return {
    durationSeconds: readLifetime(settings, isChain),
    roleArn,
    furtherRoleArns: isChain ? further : undefined,
    policyArns: orUndefined(readPolicyArns(settings)),
    tags: orUndefined(tags),
    transitiveTagKeys: orUndefined(readTransitiveKeys(settings, tags)),
    externalId: readByPattern(settings, 'external-id', {
      pattern: externalIdPattern,
      hint: 'an external ID has 2 to 1224 of A-Z, a-z, 0-9 and _+=,.@:/-',
    }),
    sourceIdentity: readByPattern(settings, 'source-identity', {
      pattern: sourceIdentityPattern,
      hint: 'a source identity has 2 to 64 of A-Z, a-z, 0-9 and _+=,.@-',
    }),
  }
}

/**
 * Reads the account and the issuer that are expected.
 *
 * @throws {StsCliError} `ERR_USAGE` for what no account or issuer can be, and for an issuer where no token is exchanged.
 */
export function readExpectations(settings: Settings, action: StsActionName): Expectations {
  const expectAccount = readByPattern(settings, 'expect-account', {
    pattern: /^(?!\d{4}-\d{4}-\d{4}$)[\w.$-]{1,128}$/,
    hint: 'AWS’s accounts have 12 digits without hyphens; Ceph’s are the names of tenants',
  })
  if (settings.getExplicit('expect-issuer') === undefined) return { expectAccount }
  if (!['client-grants', 'web-identity', 'custom-token'].includes(action))
    throw new StsCliError(
      'expectation-impossible',
      `--expect-issuer is about a token, and --action ${action} exchanges none`,
      { stage: 'config', hint: 'use --expect-account, or leave --expect-issuer out' },
    )
  return { expectAccount, expectIssuer: readUrl(settings, 'expect-issuer') }
}

/** Returns the roles in their order. One alone is sent as it is: what ARNs an STS has is its own affair. */
function readRoles(settings: Settings): readonly string[] {
  const roles = settings.list('role-arn')
  if (roles.length < 2) return roles
  checkCount('role-arn', roles, { most: maxRoles, what: 'roles' })
  for (const arn of roles) checkArn('role-arn', arn)
  return roles
}

function readLifetime(settings: Settings, isChain: boolean): number | undefined {
  const seconds = readSeconds(settings, 'duration')
  if (!isChain || seconds === undefined || seconds <= maxChainSeconds) return seconds
  throw new StsCliError(
    'chain-duration-too-long',
    `--duration ${settings.get('duration') ?? ''} is more than the hour that chained roles get`,
    {
      stage: 'config',
      hint: 'use --duration 1h or less: AWS caps role chaining at one hour, whatever the roles allow',
    },
  )
}

function checkTaken(settings: Settings, action: StsActionName, isChain: boolean): void {
  const given = (name: string): boolean => settings.list(name).length > 0
  if (isChain && (action === 'ldap' || action === 'certificate'))
    throw unexpectedError('role-arn', action, {
      hint: 'begin a chain with a token (--action web-identity) or access keys (--action assume-role)',
    })
  const isRoleAssumed = isChain || action === 'assume-role'
  const unexpected = isRoleAssumed ? undefined : assumeRoleFlags.find(given)
  if (unexpected !== undefined)
    throw unexpectedError(unexpected, action, {
      hint: 'use --action assume-role, or a second --role-arn; for a token, AWS takes tags and source identity from its claims',
    })
  if (!isRoleAssumed && action !== 'web-identity' && given('policy-arn'))
    throw unexpectedError('policy-arn', action, {
      hint: 'use --policy, --action web-identity or --action assume-role',
    })
}

function readPolicyArns(settings: Settings): readonly string[] {
  const arns = settings.list('policy-arn')
  checkCount('policy-arn', arns, { most: maxPolicyArns, what: 'policies' })
  for (const arn of arns) checkArn('policy-arn', arn)
  return arns
}

function readTags(settings: Settings): readonly SessionTag[] {
  const texts = settings.list('tag')
  checkCount('tag', texts, { most: maxTags, what: 'tags' })
  const seen = new Map<string, string>()
  return texts.map((text) => {
    const at = text.indexOf('=')
    if (at === -1)
      throw invalidError('tag', text, { hint: 'write KEY=VALUE; the value may be empty' })
    const tag = { key: text.slice(0, at), value: text.slice(at + 1) }
    checkTagKey('tag', tag.key)
    if (!isOfTag(tag.value, 256))
      throw invalidError('tag', text, {
        hint: `a tag’s value has at most 256 letters, digits, spaces and _.:/=+-@`,
      })
    // AWS compares keys without case: Department and department are one tag.
    const earlier = seen.get(tag.key.toLowerCase())
    if (earlier !== undefined)
      throw invalidError('tag', text, {
        hint: `the tag ${earlier} is given twice; case does not count`,
      })
    seen.set(tag.key.toLowerCase(), tag.key)
    return tag
  })
}

function readTransitiveKeys(settings: Settings, tags: readonly SessionTag[]): readonly string[] {
  const keys = settings.list('transitive-tag')
  checkCount('transitive-tag', keys, { most: maxTags, what: 'keys' })
  for (const [i, key] of keys.entries()) {
    checkTagKey('transitive-tag', key)
    if (!tags.some((tag) => tag.key === key))
      throw invalidError('transitive-tag', key, {
        hint: `add --tag ${toPrintable(key, 128)}=VALUE`,
      })
    if (keys.indexOf(key) !== i)
      throw invalidError('transitive-tag', key, { hint: 'name each key once' })
  }
  return keys
}

function checkTagKey(flag: string, key: string): void {
  if (key === '' || !isOfTag(key, 128))
    throw invalidError(flag, key, {
      hint: 'a tag’s key has 1 to 128 letters, digits, spaces and _.:/=+-@',
    })
  if (/^aws:/i.test(key))
    throw invalidError(flag, key, { hint: 'keys that begin with aws: are AWS’s own' })
}

function isOfTag(text: string, most: number): boolean {
  return [...text].length <= most && tagCharacters.test(text)
}

function checkArn(flag: string, arn: string): void {
  if (arnPattern.test(arn)) return
  throw invalidError(flag, arn, {
    hint: 'an ARN has 20 to 2048 characters: arn:aws:iam::ACCOUNT:role/NAME, …:policy/NAME',
  })
}

function checkCount(
  flag: string,
  values: readonly string[],
  { most, what }: { readonly most: number; readonly what: string },
): void {
  if (values.length <= most) return
  throw new StsCliError('session-parameter-invalid', `--${flag} is given ${values.length} times`, {
    stage: 'config',
    hint: `give at most ${most} ${what}`,
  })
}

function readByPattern(
  settings: Settings,
  flag: string,
  { pattern, hint }: { readonly pattern: RegExp; readonly hint: string },
): string | undefined {
  const text = settings.getExplicit(flag)
  if (text === undefined || pattern.test(text)) return text
  throw invalidError(flag, text, { hint })
}

function invalidError(flag: string, value: string, { hint }: { hint: string }): StsCliError {
  const shown = JSON.stringify(toPrintable(value, 100))
  return new StsCliError('session-parameter-invalid', `--${flag} ${shown} is not valid`, {
    stage: 'config',
    hint,
  })
}

function unexpectedError(
  flag: string,
  action: StsActionName,
  { hint }: { hint: string },
): StsCliError {
  return new StsCliError(
    'session-parameter-unexpected',
    `--action ${action} has no --${flag}: the STS would ignore it`,
    { stage: 'config', hint },
  )
}

function orUndefined<T>(values: readonly T[]): readonly T[] | undefined {
  return values.length === 0 ? undefined : values
}
