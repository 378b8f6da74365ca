import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { binPath, installPath, startStack, type Stack } from './stack.ts'

let stack: Stack
let env: Record<string, string>

beforeAll(async () => {
  stack = await startStack(['--bucket', 'formats', '--min-duration', '1'])
  env = { ...stack.env, PATH: await installPath(stack.home), PROGRAMS: import.meta.dirname }
  await execa(process.execPath, [binPath, 'login', '-q'], { env, extendEnv: false })
  await writeFile(path.join(stack.home, 'small'), 'Hello, World')
})
afterAll(() => stack.stop())

/** Runs a script in a home with only the cached credentials. @throws The output, when the script fails. */
async function runShell(script: string): Promise<{ stdout: string; stderr: string }> {
  const options = { env, extendEnv: false, cwd: stack.home } as const
  return execa('bash', ['-c', `set -euo pipefail\n${script}\necho done`], options)
}

const boto3 = (profile: string, key: string): string => `
  python3 -c '
import boto3
s3 = boto3.Session(profile_name="${profile}").client("s3")
assert s3.get_object(Bucket="formats", Key="${key}")["Body"].read() == b"Hello, World"'`

/** A later step of a job: reads the variables from \`$GITHUB_ENV\` as the runner does, and nothing else. */
const readRunnerFile = `
  read_pairs() {
    local line name end value
    while IFS= read -r line || [ -n "$line" ]; do
      case $line in
        '') ;;
        *'<<'*)
          name=\${line%%<<*} end=\${line#*<<} value=
          while IFS= read -r line && [ "$line" != "$end" ]; do value=\${value:+$value$'\\n'}$line; done
          [ "$line" = "$end" ]
          pairs[$name]=$value ;;
        *=*) pairs[\${line%%=*}]=\${line#*=} ;;
        *) echo "the runner would refuse: $line" >&2; return 1 ;;
      esac
    done <"$1"
  }
  declare -A pairs`

const scripts: Record<string, string> = {
  'ini: the AWS CLI and boto3': `
    sts-cli creds -f ini --alias minio -o shared
    export AWS_SHARED_CREDENTIALS_FILE=$PWD/shared
    aws --profile minio s3 cp --no-progress small s3://formats/ini
    aws --profile minio s3 ls s3://formats/ini | grep -F ' 12 ini'
    ${boto3('minio', 'ini')}`,

  'mc: MinIO’s client': `
    eval "$(sts-cli creds -f mc --alias local)"
    mc cp small local/formats/mc
    mc cat local/formats/mc | cmp small
    mc ls local | grep -F formats/`,

  'rclone: rclone': `
    eval "$(sts-cli creds -f rclone --alias minio)"
    rclone lsd minio: | grep -F formats
    rclone copyto small minio:formats/rclone
    rclone cat minio:formats/rclone | cmp small`,

  's3cmd: s3cmd': `
    sts-cli creds -f s3cmd -o s3.cfg
    [ "$(stat -c %a s3.cfg)" = 600 ]
    s3cmd -c s3.cfg put small s3://formats/s3cmd
    s3cmd -c s3.cfg get --force s3://formats/s3cmd back && cmp small back`,

  'github: later steps of the job': `
    export GITHUB_ENV=$PWD/runner-env GITHUB_OUTPUT=$PWD/runner-output
    printf 'EARLIER=left without a newline' >$GITHUB_ENV
    : >$GITHUB_OUTPUT
    sts-cli creds -f github >log
    ${readRunnerFile}
    read_pairs $GITHUB_ENV
    [ "\${pairs[EARLIER]}" = 'left without a newline' ]
    for name in "\${!pairs[@]}"; do export "$name=\${pairs[$name]}"; done
    for secret in "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" "$AWS_SESSION_TOKEN"; do
      grep -Fx "::add-mask::$secret" log
    done
    [ "$(grep -vc '^::add-mask::' log)" = 0 ]
    aws s3 cp --no-progress small s3://formats/github
    read_pairs $GITHUB_OUTPUT
    [ "\${pairs[aws-access-key-id]}" = "$AWS_ACCESS_KEY_ID" ]
    [ "\${pairs[aws-secret-access-key]}" = "$AWS_SECRET_ACCESS_KEY" ]
    [ "\${pairs[aws-session-token]}" = "$AWS_SESSION_TOKEN" ]`,

  'dotenv: node --env-file, and a shell': `
    sts-cli creds -f dotenv -o .env
    sts-cli exec -- node -e 'console.log(process.env.AWS_SESSION_TOKEN, process.env.AWS_ENDPOINT_URL_S3)' >wanted
    node --env-file=.env -e 'console.log(process.env.AWS_SESSION_TOKEN, process.env.AWS_ENDPOINT_URL_S3)' | cmp wanted
    set -a; . ./.env; set +a
    aws s3 cp --no-progress small s3://formats/dotenv`,

  'write: the AWS CLI and boto3': `
    sts-cli write --aws-profile written
    aws --profile written s3 cp --no-progress small s3://formats/write
    ${boto3('written', 'write')}`,

  'write --as-process: the AWS CLI and boto3': `
    sts-cli write --aws-profile asked --as-process
    if grep -F aws_secret ~/.aws/config; then exit 1; fi
    aws --profile asked s3 cp --no-progress small s3://formats/process
    ${boto3('asked', 'process')}`,
}

describe('formats in their programs', () => {
  it.each(Object.entries(scripts))('a program accepts its format: %s', async (_what, script) => {
    const { stdout } = await runShell(script)
    expect(stdout).toMatch(/(^|\n)done$/)
  })

  it('docker run --env-file would read the dotenv format without changes', async () => {
    await runShell('sts-cli creds -f dotenv -o .env')
    const { stdout } = await runShell('sts-cli exec -- env -0')
    const wanted = new Map(stdout.split('\0').map(splitPair))
    const pairs = readAsDocker(await readFile(path.join(stack.home, '.env'), 'utf8'))
    expect(pairs.map(([name]) => name)).toContain('AWS_SESSION_TOKEN')
    expect(pairs).toEqual(pairs.map(([name]) => [name, wanted.get(name)]))
  })
})

const splitPair = (line: string): [string, string] => {
  const at = line.indexOf('=')
  return [line.slice(0, at), line.slice(at + 1)]
}

/** Parses a file as Docker does: without quotes, escapes or comments after a value; the value is everything after the first `=`. */
function readAsDocker(text: string): [string, string][] {
  const lines = text.split('\n').map((line) => line.replace(/\r$/, '').trimStart())
  return lines.filter((line) => line !== '' && !line.startsWith('#')).map(splitPair)
}

describe('s3cmd with exec', () => {
  it('s3cmd requests no EC2 role when exec gives it keys', async () => {
    const { stdout, stderr } = await runShell(`
      host=$(sts-cli exec -- sh -c 'echo "\${AWS_ENDPOINT_URL_S3#http://}"')
      sts-cli exec -- s3cmd --host=$host --host-bucket=$host --no-ssl ls`)
    expect(stdout).toContain('s3://formats')
    expect(stderr).toBe('')
  })
})

describe('exec --server with boto3', () => {
  it('exec --server renews boto3’s credentials through three lifetimes, despite [default]', async () => {
    const { stdout, stderr } = await runShell(`
      printf '[default]\\naws_access_key_id = other\\naws_secret_access_key = other\\n' >other
      export AWS_SHARED_CREDENTIALS_FILE=$PWD/other
      sts-cli exec --server --duration 2 -- python3 $PROGRAMS/lives.py`)
    expect(stdout).toBe('4\ndone')
    expect(stderr).toMatch(
      /^note: \[default\] in \S+ has credentials, so --server hides that file$/,
    )
  })
})
