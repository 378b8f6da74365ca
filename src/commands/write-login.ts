/** `write --login-profile` and `write --sso-session`: profiles with which AWS's own tools sign a person in at our server. */
import { StsCliError } from '../base/errors.ts'
import type { Io } from '../base/io.ts'
import {
  findAwsFiles,
  inConfig,
  inCredentials,
  inSection,
  providing,
  readAwsProfile,
  rewriteAwsFile,
} from '../client/aws-files.ts'
import type { IniPair } from '../client/formats/ini.ts'
import { editSection, type IniFile, readSection, replaceSection } from '../client/ini-file.ts'
import { withServeDefaults } from './flow/with-serve-defaults.ts'
import type { Settings } from './options/settings.ts'

/** The account of everything on our server. */
const accountId = '000000000000'
/**
 * A start URL that AWS's CLI takes, because it is on a domain of AWS's. With the endpoints of the profile it is a name that is never contacted, and
 * no directory has this id.
 */
const startUrl = 'https://d-0000000000.awsapps.com/start'

/** Writes the profile, its services and, for SSO, its session; `--dry-run` prints the lines instead. */
export async function runWriteLogin(settings: Settings, io: Io): Promise<number> {
  const plan = readPlan(settings, io)
  const files = findAwsFiles(io)
  checkNoKeys(files.credentials, plan.profile)
  const isDryRun = settings.has('dry-run')
  const rewrite = (file: IniFile) => rewriteSections(file, plan)
  const { lines } = await rewriteAwsFile({ file: files.config, rewrite, isDryRun }, io)
  if (isDryRun)
    io.writeStdout(
      lines.length === 0
        ? `${files.config}: nothing to change\n`
        : [`--- ${files.config}`, `+++ ${files.config}`, ...lines, ''].join('\n'),
    )
  else if (!settings.has('quiet') && io.isTty.stderr)
    io.writeStderr(
      `wrote [${inConfig(plan.profile).header}] in ${files.config}; now run: ${plan.command}\n`,
    )
  return 0
}

interface Plan {
  readonly profile: string
  /** The session's name; undefined for AWS Sign-In. */
  readonly session: string | undefined
  /** The name of the services section. */
  readonly services: string
  readonly endpoint: string
  readonly region: string | undefined
  readonly caFile: string | undefined
  readonly role: string
  /** What the person runs next. */
  readonly command: string
}

function readPlan(settings: Settings, io: Io): Plan {
  const named = ['login-profile', 'sso-session'].filter((name) => settings.get(name) !== undefined)
  const chosen = [...named, ...(settings.has('as-process') ? ['as-process'] : [])]
  const [first, second] = chosen
  if (second !== undefined)
    throw new StsCliError('flags-conflict', `--${first} and --${second} cannot be used together`, {
      hint: 'each writes a profile of another kind',
    })
  const session = settings.get('sso-session')
  const name = checkName(settings.get('login-profile') ?? session ?? '')
  const profile = checkName(session === undefined ? name : (settings.get('aws-profile') ?? name))
  const served = withServeDefaults(settings, io)
  const endpoint = readOrigin(served.get('sts-endpoint') ?? '')
  return {
    profile,
    session,
    services: `sts-cli-${name}`,
    endpoint,
    region: settings.get('region'),
    caFile: endpoint.startsWith('https:') ? served.get('ca-file') : undefined,
    role: readRole(settings),
    command:
      session === undefined ? `aws login --profile ${name}` : `aws sso login --profile ${profile}`,
  }
}

/** Returns the name by which the portal knows the role. */
function readRole(settings: Settings): string {
  const [arn, further] = settings.list('role-arn')
  if (further !== undefined)
    throw new StsCliError('flags-conflict', 'a profile of a session has one --role-arn', {
      hint: 'role chaining is a thing of sts-cli login',
    })
  if (arn === undefined) return 'by-claim'
  const [, name] = /^arn:[\w-]+:iam:[\w-]*:\d*:role\/([\w+=,.@/-]{1,128})$/.exec(arn) ?? []
  if (name !== undefined) return name
  throw new StsCliError(
    'session-parameter-invalid',
    `--role-arn ${JSON.stringify(arn)} is no ARN of a role`,
    { stage: 'config', hint: 'write arn:aws:iam::000000000000:role/NAME' },
  )
}

/** Names that stand in headers and commands without quotes. */
function checkName(name: string): string {
  if (/^[\w.@%+/-]+$/.test(name)) return name
  throw new StsCliError(
    'aws-profile-invalid',
    `${JSON.stringify(name)} is no name for a profile of AWS’s`,
    { hint: 'use letters, digits and _.@%+/-' },
  )
}

/** The AWS CLI drops a path when it opens the browser. */
function readOrigin(endpoint: string): string {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined
  if (url !== undefined && /^https?:$/.test(url.protocol) && /^\/?$/.test(url.pathname))
    return url.origin
  throw new StsCliError(
    'format-endpoint-with-path',
    `a login of AWS’s tools needs a server at the root of its address, not ${JSON.stringify(endpoint)}`,
    { hint: 'name the server with -sts-ep http://127.0.0.1:9000' },
  )
}

function checkNoKeys(credentials: string, profile: string): void {
  if (!readAwsProfile(credentials, inCredentials(profile)).has('aws_access_key_id')) return
  throw new StsCliError(
    'aws-keys-take-precedence',
    `the keys of ${profile} in ${credentials} would win`,
    { stage: 'config', hint: 'remove them there, or use another name' },
  )
}

function rewriteSections(file: IniFile, plan: Plan): { text: string; lines: readonly string[] } {
  const { profile, session, services, region, caFile, role } = plan
  const section = inConfig(profile)
  const present = readSection(file, section)
  checkNoOtherSource([...present.keys()], file.name, plan)
  const place: IniPair[] = [
    ...(region === undefined && present.has('region')
      ? []
      : [['region', region ?? 'us-east-1'] as const]),
    ['services', services],
    ...(caFile === undefined ? [] : [['ca_bundle', caFile] as const]),
  ]
  const lines: string[] = []
  let { text } = file
  const edit = (name: typeof section, pairs: readonly IniPair[]): void => {
    const result = editSection({ text, name: file.name }, name, pairs)
    text = result.text
    if (result.changes.length > 0) lines.push(` [${name.header}]`)
    for (const { pair } of result.changes) lines.push(`+${pair.join(' = ')}`)
  }
  if (session !== undefined)
    edit(inSection('sso-session', session), [
      ['sso_start_url', startUrl],
      ['sso_region', region ?? 'us-east-1'],
      ['sso_registration_scopes', 'sso:account:access'],
    ])
  const login: IniPair[] =
    session === undefined
      ? []
      : [
          ['sso_session', session],
          ['sso_account_id', accountId],
          ['sso_role_name', role],
        ]
  edit(section, [...login, ...place])
  const body = describeServices(plan)
  const replaced = replaceSection({ text, name: file.name }, inSection('services', services), body)
  if (replaced.isChanged) lines.push(` [services ${services}]`, ...body.map((line) => `+${line}`))
  return { text: replaced.text, lines }
}

/** `aws login` refuses a profile with another source of credentials, and SDKs would take whichever they know first. */
function checkNoOtherSource(
  keys: readonly string[],
  file: string,
  { profile, session }: Plan,
): void {
  const isOwn = (key: string): boolean =>
    session === undefined ? key === 'login_session' : /^sso_(session|account_id)$/.test(key)
  const other = keys.find((key) => providing.has(key) && !isOwn(key))
  if (other === undefined) return
  throw new StsCliError(
    'aws-keys-take-precedence',
    `the profile ${profile} has ${other} in ${file}, another source of credentials`,
    { stage: 'config', hint: 'remove it there, or use another name' },
  )
}

/** Each service has its endpoint by itself: one for all would be asked for every service of AWS's. */
function describeServices({ session, endpoint }: Plan): string[] {
  const names = session === undefined ? ['signin'] : ['sso', 'sso_oidc']
  return [...names, 'sts', 's3'].flatMap((name) => [`${name} =`, `  endpoint_url = ${endpoint}`])
}
