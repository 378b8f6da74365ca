import { execFileSync } from 'node:child_process'
import { compareProcesses } from './measure.mjs'
import { binPath, startStack } from './stack.mjs'

/** What each command may cost when the credentials are warm, beside Node doing nothing. */
const commands = [
  { argv: ['env'], aim: '≤ 1.10' },
  { argv: ['creds'], aim: '≤ 1.10' },
  { argv: ['credential-process'], aim: '≤ 1.25' },
  { argv: ['status'], aim: '≤ 1.25' },
  { argv: ['--help'], aim: '≤ 1.25' },
  { argv: ['--version'], aim: '≤ 1.25' },
  { argv: ['exec', '--', 'true'], aim: '≤ 1.90' },
]

export async function benchCommands({ isSmoke }) {
  const stack = await startStack()
  try {
    execFileSync(process.execPath, [binPath, 'login', '-q'], { env: stack.env })
    const cases = commands.map(({ argv, aim }) => ({
      name: argv.join(' '),
      argv: [process.execPath, binPath, ...argv],
      env: stack.env,
      aim,
    }))
    const floor = { name: 'node', argv: [process.execPath, '-e', '0'], env: stack.env }
    const rows = await compareProcesses([floor, ...cases], isSmoke ? 1 : 41)
    return [
      ...rows.slice(1).map(({ name, ratio }, index) => ({
        what: `sts-cli ${name}, warm`,
        ratio,
        floor: 'node -e 0',
        aim: cases[index].aim,
      })),
      ...(await benchAws(stack, isSmoke)),
    ]
  } finally {
    await stack.stop()
  }
}

/** What others print for the same hook, where the AWS CLI is installed. */
async function benchAws(stack, isSmoke) {
  const env = { ...stack.env, AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret' }
  const aws = ['aws', 'configure', 'export-credentials']
  try {
    execFileSync(aws[0], aws.slice(1), { env, stdio: 'ignore' })
  } catch {
    return []
  }
  const [, row] = await compareProcesses(
    [
      { name: 'aws', argv: aws, env },
      { name: 'ours', argv: [process.execPath, binPath, 'credential-process'], env: stack.env },
    ],
    isSmoke ? 1 : 11,
  )
  const floor = aws.join(' ')
  return [{ what: 'sts-cli credential-process, warm', ratio: row.ratio, floor, aim: '< 1' }]
}
