/** Command name → what it does. Each is loaded when it runs, but for those that shells and SDKs call all the time. */
import type { Io } from '../base/io.ts'
import { runCredentialProcess } from './credential-process.ts'
import { runCreds } from './creds.ts'
import { failEvaluation, runEnv } from './env.ts'
import type { CommandName } from './option-spec.ts'
import type { ParsedArgv } from './parse-argv.ts'

/** Runs one command. @returns Its exit code. */
export type RunCommand = (parsed: ParsedArgv, io: Io) => Promise<number>

export interface CommandSpec {
  readonly name: CommandName
  /** After the name in the usage line. */
  readonly operands: string
  readonly summary: string
  readonly examples: readonly string[]
  readonly load: () => Promise<RunCommand>
  /** What must be printed besides the error when the command fails, even over its flags. */
  readonly loadOnFailure?: () => Promise<(argv: readonly string[], io: Io) => void>
}

export const commandTable: readonly CommandSpec[] = [
  {
    name: 'login',
    operands: '',
    summary: 'get temporary credentials and remember them',
    examples: [
      'sts-cli login',
      'sts-cli login -cid ID -csec SECRET -idp-ep https://idp/token -sts-ep https://minio:9000',
      'sts-cli login --grant browser --issuer https://idp/realms/x -cid ID',
      'sts-cli login --grant github-actions --audience minio --action web-identity',
    ],
    load: async () => (await import('./login.ts')).runLogin,
  },
  {
    name: 'token',
    operands: '',
    summary: 'get the identity provider’s token alone',
    examples: ['sts-cli token', 'curl -H "$(sts-cli token --header)" https://api.example.com'],
    load: async () => (await import('./token.ts')).runToken,
  },
  {
    name: 'exchange',
    operands: '[TOKEN|-]',
    summary: 'trade a token at the STS, nothing else',
    examples: ['sts-cli token | sts-cli exchange -'],
    load: async () => (await import('./exchange.ts')).runExchange,
  },
  {
    name: 'creds',
    operands: '',
    summary: 'print the remembered credentials, renewed when they are about to expire',
    examples: ['sts-cli creds', 'sts-cli creds -f process', 'sts-cli creds --field accessKeyId'],
    load: async () => runCreds,
  },
  {
    name: 'env',
    operands: '',
    summary: 'print the credentials as shell lines',
    examples: [
      'eval $(sts-cli env)',
      'sts-cli env --shell fish | source',
      'eval $(sts-cli env --unset)',
    ],
    load: async () => runEnv,
    loadOnFailure: async () => failEvaluation,
  },
  {
    name: 'exec',
    operands: '-- COMMAND…',
    summary: 'run a command with the credentials in its environment',
    examples: ['sts-cli exec -- aws s3 ls', 'sts-cli exec --server -- ./long-running'],
    load: async () => (await import('./exec.ts')).runExec,
  },
  {
    name: 'credential-process',
    operands: '',
    summary: 'print the credentials as the AWS SDKs’ credential_process hook wants them',
    examples: ['credential_process = sts-cli credential-process --profile ci'],
    load: async () => runCredentialProcess,
  },
  {
    name: 'status',
    operands: '',
    summary: 'say whose credentials there are and how long they last',
    examples: ['sts-cli status', 'sts-cli status --json'],
    load: async () => (await import('./status.ts')).runStatus,
  },
  {
    name: 'inspect',
    operands: '[TOKEN|-] [BUCKET/KEY]',
    summary: 'decode a token here and say what an STS would miss, or what policies would decide',
    examples: [
      'sts-cli token | sts-cli inspect -',
      'sts-cli token | sts-cli inspect - --simulate s3:PutObject my-bucket/my-object',
      'sts-cli creds --field sessionToken | sts-cli inspect - --simulate s3:ListBucket my-bucket --policy team=team.json',
    ],
    load: async () => (await import('./inspect.ts')).runInspect,
  },
  {
    name: 'logout',
    operands: '',
    summary: 'forget the credentials',
    examples: ['sts-cli logout', 'sts-cli logout --profile ci'],
    load: async () => (await import('./logout.ts')).runLogout,
  },
  {
    name: 'doctor',
    operands: '',
    summary: 'go through the flow and say what is wrong and how to mend it',
    examples: ['sts-cli doctor', 'sts-cli doctor -p ci --json'],
    load: async () => (await import('./doctor.ts')).runDoctor,
  },
  {
    name: 'config',
    operands: 'path|list|get|set [KEY [VALUE]]',
    summary: 'read and change profiles',
    examples: [
      'sts-cli config list',
      'sts-cli config set issuer https://sso.example.com/realms/main -p ci',
      'sts-cli config get issuer --origin',
    ],
    load: async () => (await import('./config.ts')).runConfig,
  },
  {
    name: 'serve',
    operands: '[DIR | --gateway [URL]] [-- COMMAND…]',
    summary: 'run an STS, its S3 and an identity provider on this machine',
    examples: [
      'sts-cli serve',
      'sts-cli serve /mnt/data',
      'sts-cli serve --bucket test -- npm test',
      'sts-cli serve --gateway --stateless https://s3.example.com',
    ],
    load: async () => (await import('./serve.ts')).runServe,
  },
]
