import { readFileSync } from 'node:fs'
import { timeProcess, benchEnvironment, median } from './measure.mjs'
import { startStack } from './stack.mjs'

const starts = [
  { what: 'sts-cli serve, start to ready', flags: [] },
  { what: 'sts-cli serve --no-idp, start to ready', flags: ['--no-idp'] },
]

/**
 * `serve` from start to its ready line (certificate, keys, provider, STS, S3) beside Node doing nothing, and the memory that is resident then.
 */
export async function benchServe({ isSmoke }) {
  const rows = []
  for (const { what, flags } of starts) {
    const [ratios, residents] = [[], []]
    for (let round = -1; round < (isSmoke ? 0 : 9); round += 1) {
      const floorMs = await timeProcess([process.execPath, '-e', '0'], benchEnvironment())
      const startedAt = performance.now()
      const stack = await startStack(flags)
      const readyMs = performance.now() - startedAt
      residents.push(readResidentMb(stack.ready.pid))
      await stack.stop()
      if (round >= 0 || isSmoke) ratios.push(readyMs / floorMs)
    }
    rows.push({ what, ratio: median(ratios), floor: 'node -e 0', aim: '≤ 8' })
    if (process.platform !== 'linux') continue
    rows.push({
      what: what.replace('start to ready', 'resident when ready'),
      value: median(residents),
      worst: Math.max(...residents),
      unit: 'MB',
      aim: '≤ 80',
    })
  }
  return rows
}

function readResidentMb(pid) {
  if (process.platform !== 'linux') return 0
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
}
