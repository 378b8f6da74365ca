/** Every flag once: names, environment, default, help. The parser, commander and the help are made from it. */

export type CommandName =
  | 'login'
  | 'token'
  | 'exchange'
  | 'creds'
  | 'env'
  | 'status'
  | 'inspect'
  | 'logout'
  | 'serve'
  | 'drop-in'

export interface OptionSpec {
  /** Long name without dashes. */
  readonly name: string
  readonly aliases: readonly string[]
  readonly kind: 'value' | 'boolean' | 'list'
  readonly value?: string
  readonly env?: readonly string[]
  readonly default?: string
  readonly description: string
  readonly group:
    | 'identity provider'
    | 'sts'
    | 'output'
    | 'session'
    | 'network'
    | 'general'
    | 'serve'
  readonly commands: readonly CommandName[]
}

const asking: readonly CommandName[] = ['login', 'token', 'creds', 'env', 'drop-in']
const trading: readonly CommandName[] = ['login', 'exchange', 'creds', 'env', 'drop-in']
const going: readonly CommandName[] = ['login', 'token', 'exchange', 'creds', 'env', 'drop-in']
const printing: readonly CommandName[] = ['login', 'exchange', 'creds']
const remembering: readonly CommandName[] = ['login', 'creds', 'env', 'status', 'logout']
const every: readonly CommandName[] = [
  'login',
  'token',
  'exchange',
  'creds',
  'env',
  'status',
  'inspect',
  'logout',
  'serve',
  'drop-in',
]

const value = (
  name: string,
  placeholder: string,
  rest: Omit<OptionSpec, 'name' | 'kind' | 'value' | 'aliases'> & { aliases?: string[] },
): OptionSpec => ({ aliases: [], ...rest, name, kind: 'value', value: placeholder })
const flag = (
  name: string,
  rest: Omit<OptionSpec, 'name' | 'kind' | 'value' | 'aliases'> & { aliases?: string[] },
): OptionSpec => ({ aliases: [], ...rest, name, kind: 'boolean' })

const identityProvider: readonly OptionSpec[] = [
  value('client-id', 'ID', {
    aliases: ['cid'],
    env: ['STS_CLI_CLIENT_ID'],
    description: 'client id at the identity provider',
    group: 'identity provider',
    commands: asking,
  }),
  value('client-secret', 'SECRET', {
    aliases: ['csec'],
    env: ['STS_CLI_CLIENT_SECRET'],
    description: 'client secret; - reads it from stdin',
    group: 'identity provider',
    commands: asking,
  }),
  value('client-secret-file', 'FILE', {
    env: ['STS_CLI_CLIENT_SECRET_FILE'],
    description: 'file that holds the client secret',
    group: 'identity provider',
    commands: asking,
  }),
  value('idp-endpoint', 'URL', {
    aliases: ['idp-ep'],
    env: ['STS_CLI_IDP_ENDPOINT'],
    default: 'https://localhost:9443/oauth2/token',
    description: 'token endpoint',
    group: 'identity provider',
    commands: asking,
  }),
  value('scope', 'SCOPE', {
    env: ['STS_CLI_SCOPE'],
    description: 'scope to ask for',
    group: 'identity provider',
    commands: asking,
  }),
  value('audience', 'AUDIENCE', {
    env: ['STS_CLI_AUDIENCE'],
    description: 'audience to ask for',
    group: 'identity provider',
    commands: asking,
  }),
  {
    name: 'param',
    aliases: [],
    kind: 'list',
    value: 'K=V',
    description: 'further parameter of the token request',
    group: 'identity provider',
    commands: asking,
  },
  value('auth-method', 'METHOD', {
    env: ['STS_CLI_AUTH_METHOD'],
    default: 'client_secret_basic',
    description: 'client_secret_basic or client_secret_post',
    group: 'identity provider',
    commands: asking,
  }),
  value('token', 'TOKEN', {
    env: ['STS_CLI_TOKEN'],
    description: 'a token at hand, no identity provider is asked; - reads stdin',
    group: 'identity provider',
    commands: trading,
  }),
  value('token-file', 'FILE', {
    env: ['STS_CLI_TOKEN_FILE', 'AWS_WEB_IDENTITY_TOKEN_FILE'],
    description: 'file that holds the token',
    group: 'identity provider',
    commands: trading,
  }),
]

const sts: readonly OptionSpec[] = [
  value('sts-endpoint', 'URL', {
    aliases: ['sts-ep'],
    env: ['STS_CLI_STS_ENDPOINT', 'AWS_ENDPOINT_URL_STS'],
    default: 'http://localhost:9000',
    description: 'STS to exchange the token at',
    group: 'sts',
    commands: trading,
  }),
  value('action', 'ACTION', {
    env: ['STS_CLI_ACTION'],
    default: 'client-grants',
    description: 'client-grants, web-identity or assume-role',
    group: 'sts',
    commands: trading,
  }),
  value('duration', 'TIME', {
    env: ['STS_CLI_DURATION'],
    description: 'how long the credentials shall live: 900, 15m, 1h',
    group: 'sts',
    commands: trading,
  }),
  value('role-arn', 'ARN', {
    env: ['AWS_ROLE_ARN'],
    description: 'role to assume',
    group: 'sts',
    commands: trading,
  }),
  value('role-session-name', 'NAME', {
    env: ['AWS_ROLE_SESSION_NAME'],
    description: 'name of the session',
    group: 'sts',
    commands: trading,
  }),
  value('policy', 'JSON', {
    description: 'session policy that narrows the credentials',
    group: 'sts',
    commands: trading,
  }),
  value('policy-file', 'FILE', {
    description: 'file that holds the session policy',
    group: 'sts',
    commands: trading,
  }),
]

const output: readonly OptionSpec[] = [
  value('format', 'FORMAT', {
    aliases: ['f'],
    env: ['STS_CLI_FORMAT'],
    default: 'minio',
    description: 'minio, json, process or env',
    group: 'output',
    commands: printing,
  }),
  value('shell', 'SHELL', {
    description: 'sh, fish, powershell or cmd',
    group: 'output',
    commands: ['env', 'creds', 'login'],
  }),
  flag('unset', {
    description: 'print lines that unset the variables again',
    group: 'output',
    commands: ['env'],
  }),
  flag('no-endpoint', {
    description: 'leave the endpoint variables out',
    group: 'output',
    commands: ['env', 'creds', 'login'],
  }),
  value('region', 'REGION', {
    description: 'region to set and to sign for',
    group: 'output',
    commands: trading,
  }),
  value('output', 'FILE', {
    aliases: ['o'],
    description: 'write to a file (0600) instead of stdout',
    group: 'output',
    commands: ['login', 'exchange', 'creds', 'env', 'token'],
  }),
  value('field', 'NAME', {
    description: 'one field alone: accessKeyId, secretAccessKey, sessionToken, expiration',
    group: 'output',
    commands: printing,
  }),
  flag('json', {
    description: 'JSON on stdout, and errors as JSON on stderr',
    group: 'output',
    commands: every,
  }),
  flag('header', {
    description: 'print «Authorization: Bearer …»',
    group: 'output',
    commands: ['token'],
  }),
  flag('no-upload', {
    description: 'do not put my-bucketname/my-objectname',
    group: 'output',
    commands: ['drop-in'],
  }),
]

const session: readonly OptionSpec[] = [
  value('profile', 'NAME', {
    aliases: ['p'],
    env: ['STS_CLI_PROFILE'],
    default: 'default',
    description: 'which credentials to remember or use',
    group: 'session',
    commands: [...remembering],
  }),
  value('cache', 'WHERE', {
    env: ['STS_CLI_CACHE'],
    default: 'file',
    description: 'file or none',
    group: 'session',
    commands: ['login', 'creds', 'env'],
  }),
  flag('refresh', {
    description: 'get new credentials even when the remembered ones are good',
    group: 'session',
    commands: ['login', 'creds', 'env'],
  }),
  value('min-ttl', 'TIME', {
    description: 'renew when less than this is left',
    group: 'session',
    commands: ['creds', 'env'],
  }),
]

const network: readonly OptionSpec[] = [
  value('timeout', 'TIME', {
    default: '30s',
    description: 'time limit of a request, retries included',
    group: 'network',
    commands: going,
  }),
  value('retries', 'N', {
    default: '3',
    description: 'further tries after a refused connection or a 5xx',
    group: 'network',
    commands: going,
  }),
  value('ca-file', 'FILE', {
    env: ['STS_CLI_CA_FILE', 'AWS_CA_BUNDLE'],
    description: 'certificates to trust besides the built-in ones',
    group: 'network',
    commands: going,
  }),
  flag('insecure', {
    aliases: ['k'],
    description: 'accept any certificate',
    group: 'network',
    commands: going,
  }),
]

const general: readonly OptionSpec[] = [
  flag('quiet', {
    aliases: ['q'],
    description: 'nothing on stdout but what was asked for',
    group: 'general',
    commands: every,
  }),
  flag('debug', {
    description: 'say what happens, secrets left out',
    group: 'general',
    commands: every,
  }),
  value('color', 'WHEN', {
    default: 'auto',
    description: 'auto, always or never',
    group: 'general',
    commands: every,
  }),
  flag('no-input', { description: 'never ask', group: 'general', commands: going }),
  flag('help', { aliases: ['h'], description: 'this page', group: 'general', commands: every }),
  flag('version', {
    aliases: ['V'],
    description: 'the version',
    group: 'general',
    commands: every,
  }),
]

const serve: readonly OptionSpec[] = [
  value('address', 'HOST:PORT', {
    default: '127.0.0.1:9000',
    description: 'address of STS and S3',
    group: 'serve',
    commands: ['serve'],
  }),
  value('idp-address', 'HOST:PORT', {
    default: '127.0.0.1:9443',
    description: 'address of the embedded identity provider',
    group: 'serve',
    commands: ['serve'],
  }),
  flag('no-idp', {
    description: 'no embedded identity provider',
    group: 'serve',
    commands: ['serve'],
  }),
  {
    name: 'client',
    aliases: [],
    kind: 'list',
    value: 'ID:SECRET[:POLICY]',
    description: 'a client of the embedded provider',
    group: 'serve',
    commands: ['serve'],
  },
  {
    name: 'bucket',
    aliases: [],
    kind: 'list',
    value: 'NAME',
    description: 'a bucket to make at start',
    group: 'serve',
    commands: ['serve'],
  },
  flag('tls', {
    description: 'https with a self-made certificate',
    group: 'serve',
    commands: ['serve'],
  }),
  value('tls-cert', 'FILE', {
    description: 'certificate of the server',
    group: 'serve',
    commands: ['serve'],
  }),
  value('tls-key', 'FILE', { description: 'its key', group: 'serve', commands: ['serve'] }),
  value('min-duration', 'SECONDS', {
    default: '900',
    description: 'shortest life of credentials',
    group: 'serve',
    commands: ['serve'],
  }),
  value('max-duration', 'SECONDS', {
    default: '31536000',
    description: 'longest life of credentials',
    group: 'serve',
    commands: ['serve'],
  }),
  flag('allow-longer-than-token', {
    description: 'credentials may outlive the token',
    group: 'serve',
    commands: ['serve'],
  }),
  value('log-level', 'LEVEL', {
    default: 'warn',
    description: 'debug, info, warn, error or silent',
    group: 'serve',
    commands: ['serve'],
  }),
  value('ready-file', 'FILE', {
    description: 'written when the server is ready',
    group: 'serve',
    commands: ['serve'],
  }),
  flag('allow-remote', {
    description: 'accept a weak root secret or the demo client off this machine',
    group: 'serve',
    commands: ['serve'],
  }),
]

export const optionTable: readonly OptionSpec[] = [
  ...identityProvider,
  ...sts,
  ...output,
  ...session,
  ...network,
  ...general,
  ...serve,
]

/** The flags of a command, in the table's order. */
export function optionsOf(command: CommandName): OptionSpec[] {
  return optionTable.filter((spec) => spec.commands.includes(command))
}
