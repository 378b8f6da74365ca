/** Compares the clocks of this machine, the provider and the STS: tokens and signatures are valid for a time only. */
import { formatDuration } from '../../base/duration.ts'
import type { Check } from './check.ts'

export interface ClockReading {
  readonly party: string
  /** How far its clock is ahead of ours, in milliseconds; an answer's Date header has whole seconds. */
  readonly aheadMs: number
}

/** The largest difference at which a signature is accepted (Amazon S3, RequestTimeTooSkewed). */
const maxSignatureSkewMs = 15 * 60_000
/** The difference that `sts-cli serve` tolerates in a token; MinIO tolerates none. */
const maxTokenSkewMs = 60_000

/** Compares the clocks. @param readings Empty where no server sent its time. */
export function checkClocks(readings: readonly ClockReading[]): Check {
  const name = 'clock'
  if (readings.length === 0) return { name, level: 'skip', message: 'no server told its time' }
  const worst = readings.toSorted((a, b) => Math.abs(b.aheadMs) - Math.abs(a.aheadMs))[0]
  const offsets = [0, ...readings.map(({ aheadMs }) => aheadMs)]
  const apartMs = Math.max(...offsets) - Math.min(...offsets)
  if (worst === undefined || apartMs <= maxTokenSkewMs)
    return { name, level: 'pass', message: 'the clocks agree to within a minute' }
  const way = worst.aheadMs > 0 ? 'ahead of' : 'behind'
  const span = formatDuration(Math.abs(worst.aheadMs) / 1000)
  const isFatal = Math.abs(worst.aheadMs) > maxSignatureSkewMs
  return {
    name,
    level: isFatal ? 'fail' : 'warn',
    message: `the clock of ${worst.party} is ${span} ${way} this one: ${isFatal ? 'signatures are refused' : 'tokens may be «not valid yet» or expired'}`,
    fix: 'set the clocks by NTP, this machine’s first: timedatectl set-ntp true',
  }
}
