/** Every command once, in words: the help, the completions and the manual are made of it. */
import type { CommandName } from './option-spec.ts'

export interface CommandSpec {
  readonly name: Exclude<CommandName, 'quickstart'>
  /** The operands in the usage line. */
  readonly operands: string
  readonly summary: string
  /** Shown at the top of the help. */
  readonly examples: readonly string[]
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
  },
  {
    name: 'token',
    operands: '',
    summary: 'get the identity provider’s token alone',
    examples: ['sts-cli token', 'curl -H "$(sts-cli token --header)" https://api.example.com'],
  },
  {
    name: 'exchange',
    operands: '[TOKEN|-]',
    summary: 'trade a token at the STS, nothing else',
    examples: ['sts-cli token | sts-cli exchange -'],
  },
  {
    name: 'creds',
    operands: '',
    summary: 'print the remembered credentials, renewed when they are about to expire',
    examples: ['sts-cli creds', 'sts-cli creds -f process', 'sts-cli creds --field accessKeyId'],
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
  },
  {
    name: 'exec',
    operands: '-- COMMAND…',
    summary: 'run a command with the credentials in its environment',
    examples: ['sts-cli exec -- aws s3 ls', 'sts-cli exec --server -- ./long-running'],
  },
  {
    name: 'credential-process',
    operands: '',
    summary: 'print the credentials as the AWS SDKs’ credential_process hook wants them',
    examples: ['credential_process = sts-cli credential-process --profile ci'],
  },
  {
    name: 'write',
    operands: '',
    summary: 'put the credentials into ~/.aws, or the line that fetches them',
    examples: [
      'sts-cli write --aws-profile minio',
      'sts-cli write --as-process --aws-profile minio',
      'sts-cli write --login-profile minio',
      'sts-cli write --dry-run',
    ],
  },
  {
    name: 'status',
    operands: '',
    summary: 'say whose credentials there are and how long they last',
    examples: ['sts-cli status', 'sts-cli status --json'],
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
  },
  {
    name: 'watch',
    operands: '',
    summary: 'show the requests that a serve decides, as they come',
    examples: [
      'sts-cli watch',
      'sts-cli watch --denied --bucket my-bucket',
      'sts-cli watch --once --since 1h --json',
    ],
  },
  {
    name: 'explain',
    operands: 'REQUEST-ID',
    summary: 'say why a serve allowed or denied a request, and what would allow it',
    examples: ['sts-cli explain 18AB3F0C5D2E7A10'],
  },
  {
    name: 'policy',
    operands: '',
    summary: 'make the least policy of what a serve has allowed',
    examples: [
      'sts-cli policy --from-traffic',
      'sts-cli policy --from-traffic --principal alice --since 1h > alice.json',
    ],
  },
  {
    name: 'logout',
    operands: '',
    summary: 'forget the credentials',
    examples: ['sts-cli logout', 'sts-cli logout --profile ci'],
  },
  {
    name: 'doctor',
    operands: '',
    summary: 'go through the flow and say what is wrong and how to mend it',
    examples: ['sts-cli doctor', 'sts-cli doctor -p ci --json'],
  },
  {
    name: 'config',
    operands: 'init|path|list|get|set [KEY [VALUE]]',
    summary: 'read and change profiles',
    examples: [
      'sts-cli config init -p ci',
      'sts-cli config list',
      'sts-cli config set issuer https://sso.example.com/realms/main -p ci',
      'sts-cli config get issuer --origin',
    ],
  },
  {
    name: 'completion',
    operands: 'bash|zsh|fish|powershell',
    summary: 'print the script by which a shell completes commands, flags and profiles',
    examples: [
      'eval "$(sts-cli completion bash)"',
      'sts-cli completion fish > ~/.config/fish/completions/sts-cli.fish',
    ],
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
  },
]
