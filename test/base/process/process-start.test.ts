import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { identifyProcess } from '../../../src/base/process/process-start.ts'

describe.runIf(process.platform === 'linux')('the word that identifies a process', () => {
  it('is the boot id and the start time, as the state files of earlier versions hold it', () => {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    expect(identifyProcess(process.pid)).toMatch(new RegExp(`^${boot} \\d+$`))
    expect(identifyProcess(process.pid)).toBe(identifyProcess(process.pid))
  })

  it('differs between two processes of one machine', () => {
    expect(identifyProcess(1)).not.toBe(identifyProcess(process.pid))
  })

  it('is missing for a process that is gone', () => {
    expect(identifyProcess(spawnSync('true').pid)).toBeUndefined()
  })
})
