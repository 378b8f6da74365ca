import { timeProcess, benchEnvironment, median } from './measure.mjs'
import { startStack } from './stack.mjs'

/** `serve` from start to its ready line (certificate, keys, provider, STS, S3) beside Node doing nothing. */
export async function benchServe({ isSmoke }) {
  const ratios = []
  for (let round = -1; round < (isSmoke ? 0 : 9); round += 1) {
    const floorMs = await timeProcess([process.execPath, '-e', '0'], benchEnvironment())
    const startedAt = performance.now()
    const stack = await startStack()
    const readyMs = performance.now() - startedAt
    await stack.stop()
    if (round >= 0 || isSmoke) ratios.push(readyMs / floorMs)
  }
  return [
    {
      what: 'sts-cli serve, start to ready',
      ratio: median(ratios),
      floor: 'node -e 0',
      aim: 'less is better',
    },
  ]
}
