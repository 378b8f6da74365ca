/** Every option once: names, variables, default, choices, help. The parser, the help, the completions and the manual are made of it. */
import { formats } from '../../client/formats/index.ts'
import { shellNames } from '../../client/formats/shells.ts'
import { authMethods, stsActionNames } from '../../client/options.ts'
import { cacheKinds, colorChoices, fieldNames, grantHelp, grantNames } from './option-choices.ts'
import { type CommandName, defineGroup, listWords, type OptionSpec } from './option-spec.ts'
import { serveOptions } from './serve-options.ts'

/** The commands that use what `login` cached, and renew it. */
const using: readonly CommandName[] = ['creds', 'env', 'exec', 'credential-process', 'write']
const asking: readonly CommandName[] = ['login', 'token', 'doctor', ...using, 'quickstart']
/** The commands that may prompt. */
const signingIn: readonly CommandName[] = ['login', 'token', 'doctor', 'quickstart']
const exchanging: readonly CommandName[] = ['login', 'exchange', 'doctor', ...using, 'quickstart']
/** The commands that ask a server about its requests. */
const observing: readonly CommandName[] = ['watch', 'explain', 'policy']
const sending: readonly CommandName[] = [
  'login',
  'token',
  'exchange',
  'doctor',
  ...using,
  ...observing,
  'quickstart',
]
const printing: readonly CommandName[] = ['login', 'exchange', 'creds']
const every: readonly CommandName[] = [
  ...sending,
  'status',
  'inspect',
  'logout',
  'config',
  'completion',
  'serve',
]

const idp = defineGroup('identity provider', asking)
const identityProvider: readonly OptionSpec[] = [
  idp('cid, client-id ID', 'client id', { env: ['STS_CLI_CLIENT_ID'] }),
  idp('csec, client-secret SECRET', 'client secret; - reads it from stdin', {
    env: ['STS_CLI_CLIENT_SECRET'],
  }),
  idp('client-secret-file FILE', 'file that holds the client secret', {
    env: ['STS_CLI_CLIENT_SECRET_FILE'],
  }),
  idp('client-secret-command COMMAND', 'command that prints the client secret'),
  idp('idp-ep, idp-endpoint URL', 'token endpoint', {
    env: ['STS_CLI_IDP_ENDPOINT'],
    default: 'https://localhost:9443/oauth2/token',
  }),
  idp('issuer URL', 'issuer, to find the endpoints by discovery; people’s logins need it', {
    env: ['STS_CLI_ISSUER'],
  }),
  idp('scope SCOPE', 'scope to ask for', { env: ['STS_CLI_SCOPE'] }),
  idp('audience AUDIENCE', 'audience to ask for', { env: ['STS_CLI_AUDIENCE'] }),
  idp('param K=V…', 'further parameter of the token request; may be repeated'),
  idp('grant GRANT', grantHelp, {
    env: ['STS_CLI_GRANT'],
    default: 'client-credentials',
    choices: grantNames,
  }),
  idp('auth-method METHOD', listWords(authMethods), {
    env: ['STS_CLI_AUTH_METHOD'],
    default: 'client_secret_basic',
    choices: authMethods,
  }),
  idp('key-file FILE', 'private key of private_key_jwt, PEM or JWK', {
    env: ['STS_CLI_KEY_FILE'],
  }),
  idp('redirect-uri URL', 'where browser logins come back to; port 0 takes a free one', {
    env: ['STS_CLI_REDIRECT_URI'],
    default: 'http://127.0.0.1:0/callback',
    commands: signingIn,
  }),
  idp('username NAME', 'who signs in by the password grant, or at the STS by --action ldap', {
    env: ['STS_CLI_USERNAME'],
    commands: [...asking, 'exchange'],
  }),
  idp(
    'password-file FILE',
    'file that holds their password; - reads stdin (asked for when left out)',
    {
      env: ['STS_CLI_PASSWORD_FILE'],
      commands: [...asking, 'exchange'],
    },
  ),
  idp('no-browser', 'open no browser: print the address alone', { commands: signingIn }),
  idp('wait TIME', 'how long a person is waited for', { default: '5m', commands: signingIn }),
  idp('id-token', 'print the ID token instead of the access token', { commands: ['token'] }),
  idp('token TOKEN', 'a token at hand: no identity provider is asked; - reads stdin', {
    env: ['STS_CLI_TOKEN'],
    commands: exchanging,
  }),
  idp('token-file FILE', 'file that holds the token', {
    env: ['STS_CLI_TOKEN_FILE', 'AWS_WEB_IDENTITY_TOKEN_FILE'],
    commands: exchanging,
  }),
  idp('token-env NAME', 'variable that holds the token', { commands: exchanging }),
  idp('token-command COMMAND', 'command that prints the token', { commands: exchanging }),
]

const stsOption = defineGroup('sts', exchanging)
const sts: readonly OptionSpec[] = [
  stsOption('sts-ep, sts-endpoint URL', 'STS that trades the token', {
    env: ['STS_CLI_STS_ENDPOINT', 'AWS_ENDPOINT_URL_STS'],
    default: 'http://localhost:9000',
    commands: [...exchanging, ...observing],
  }),
  stsOption('action ACTION', listWords(stsActionNames), {
    env: ['STS_CLI_ACTION'],
    default: 'client-grants',
    choices: stsActionNames,
  }),
  stsOption('duration TIME', 'how long the credentials shall live: 900, 15m, 1h', {
    env: ['STS_CLI_DURATION'],
  }),
  stsOption(
    'role-arn ARN…',
    'role to assume; repeated, each further one with the credentials of the one before (an hour at most)',
    { env: ['AWS_ROLE_ARN'] },
  ),
  stsOption('role-session-name NAME', 'name of the session', { env: ['AWS_ROLE_SESSION_NAME'] }),
  stsOption('policy JSON', 'session policy that narrows the credentials'),
  stsOption('policy-file FILE', 'file that holds the session policy'),
  stsOption('policy-arn ARN…', 'managed policy that narrows the credentials; may be repeated'),
  stsOption('tag K=V…', 'session tag, for roles that AssumeRole assumes; may be repeated'),
  stsOption('transitive-tag K…', 'key of a --tag that the further roles of a chain inherit'),
  stsOption('external-id ID', 'external ID that the role’s trust policy asks for'),
  stsOption('source-identity NAME', 'who is behind the session, for the STS’s log'),
  stsOption('expect-account ACCOUNT', 'refuse credentials of any other account'),
  stsOption('expect-issuer URL', 'refuse a token of any other issuer'),
]

const print = defineGroup('output', printing)
const output: readonly OptionSpec[] = [
  print('f, format FORMAT', listWords(Object.keys(formats)), {
    env: ['STS_CLI_FORMAT'],
    default: 'minio',
    choices: Object.keys(formats),
  }),
  print('shell SHELL', listWords(shellNames), {
    choices: shellNames,
    commands: ['login', 'creds', 'env'],
  }),
  print('unset', 'print lines that unset the variables again', { commands: ['env'] }),
  print('no-endpoint', 'leave the endpoint variables out', {
    commands: ['login', 'creds', 'env', 'exec', 'write'],
  }),
  print('region REGION', 'region to set and to sign for', {
    commands: [...exchanging, ...observing],
  }),
  print('o, output FILE', 'write to a file (0600) instead of stdout', {
    commands: [...printing, 'env', 'token'],
  }),
  print('alias NAME', 'name in mc, rclone or an AWS file (default: the profile)'),
  print('server', 'serve the credentials to the command, and renew them while it runs', {
    commands: ['exec'],
  }),
  print('field NAME', `one field: ${listWords(fieldNames)}`, { choices: fieldNames }),
  print('json', 'JSON on stdout, and errors as JSON on stderr', { commands: every }),
  print('origin', 'say where the value comes from', { commands: ['config'] }),
  print('header', 'print «Authorization: Bearer …»', { commands: ['token'] }),
  print('no-upload', 'do not put my-bucketname/my-objectname', { commands: ['quickstart'] }),
]

const cacheOption = defineGroup('session', ['login', ...using])
const session: readonly OptionSpec[] = [
  cacheOption('p, profile NAME', 'name under which credentials are remembered', {
    env: ['STS_CLI_PROFILE'],
    default: 'default',
    commands: [
      'login',
      'token',
      'exchange',
      'doctor',
      ...using,
      ...observing,
      'status',
      'logout',
      'config',
    ],
  }),
  cacheOption('config FILE', 'file with the profiles', {
    env: ['STS_CLI_CONFIG'],
    commands: ['login', 'token', 'exchange', 'doctor', ...using, ...observing, 'config'],
  }),
  cacheOption('cache WHERE', 'file, keyring (the keys in the system’s own) or none', {
    env: ['STS_CLI_CACHE'],
    default: 'file',
    choices: cacheKinds,
  }),
  cacheOption('no-keyring', 'keep no refresh token in the system’s keyring', {
    commands: ['login'],
  }),
  cacheOption('refresh', 'get new credentials even when the remembered ones are good'),
  cacheOption('min-ttl TIME', 'renew when less than this is left', { commands: using }),
]

const simulateOption = defineGroup('simulate', ['inspect'])
const simulate: readonly OptionSpec[] = [
  simulateOption('simulate ACTION', 'say whether the policies allow it: s3:PutObject BUCKET/KEY'),
  simulateOption(
    'policy FILE…',
    'the policy that decides, or NAME=FILE for one that the token names',
  ),
  simulateOption('context KEY=VALUE…', 'a condition key of the request: aws:SourceIp=192.0.2.1'),
]

const watchOption = defineGroup('requests', ['watch', 'policy'])
const watch: readonly OptionSpec[] = [
  watchOption('denied', 'only requests that were denied', { commands: ['watch'] }),
  watchOption('would-be-denied', 'only those that the policy of serve --observe would deny', {
    commands: ['watch'],
  }),
  watchOption('principal NAME', 'only of this caller: subject, name, access key id or role'),
  watchOption('action ACTION', 'only with this action: s3:PutObject, or s3:Put*'),
  watchOption('bucket BUCKET', 'only about this bucket'),
  watchOption('since TIME', 'from this time on: 10m, 1h'),
  watchOption('once', 'show those of before, and end', { commands: ['watch'] }),
  watchOption('from-traffic', 'make it of the allowed requests', { commands: ['policy'] }),
]

const write = defineGroup('aws files', ['write'])
const awsFiles: readonly OptionSpec[] = [
  write('aws-profile NAME', 'profile to write in AWS’s files (default: the name of --profile)'),
  write('as-process', 'write the line that fetches credentials into ~/.aws/config, and no keys'),
  write('login-profile NAME', 'write a profile for «aws login» at this server, and no keys'),
  write('sso-session NAME', 'write a session and a profile for «aws sso login», and no keys'),
  write('dry-run', 'show what would change, without secrets, and change nothing'),
  write('force', 'overwrite permanent keys'),
]

const net = defineGroup('network', sending)
const network: readonly OptionSpec[] = [
  net('timeout TIME', 'time limit of a request, retries included', { default: '30s' }),
  net('retries N', 'further tries after a refused connection or a 5xx', { default: '3' }),
  net('ca-file FILE', 'certificates to trust besides the built-in ones', {
    env: ['STS_CLI_CA_FILE', 'AWS_CA_BUNDLE'],
    commands: [...sending, 'serve', 'logout'],
  }),
  net('cert FILE', 'certificate of our own, in PEM, for servers that ask for one'),
  net('key FILE', 'its key'),
  net('k, insecure', 'accept any certificate', { commands: [...sending, 'logout'] }),
]

const common = defineGroup('general', every)
const general: readonly OptionSpec[] = [
  common('q, quiet', 'print nothing but errors'),
  common('v, verbose', 'say which requests are made', { commands: sending }),
  common('debug', 'as --verbose, and where in the source an error arose'),
  common('color WHEN', listWords(colorChoices), { default: 'auto', choices: colorChoices }),
  common('no-input', 'never ask', { commands: sending }),
  common('h, help', 'this page'),
  common('V, version', 'the version'),
]

export const optionTable: readonly OptionSpec[] = [
  ...identityProvider,
  ...sts,
  ...output,
  ...session,
  ...simulate,
  ...watch,
  ...awsFiles,
  ...network,
  ...serveOptions,
  ...general,
]

/** Returns the options of a command, in the table's order. */
export function optionsOf(command: CommandName): OptionSpec[] {
  return optionTable.filter((spec) => spec.commands.includes(command))
}
