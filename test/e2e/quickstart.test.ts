import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { openHome } from '../support/e2e/harness.ts'

describe('npm run quickstart', () => {
  it('npm run quickstart shows the guide of 2018 from login to a denial, and leaves no files', async () => {
    const { folder, env } = await openHome()
    const script = path.join(import.meta.dirname, '..', '..', '.config', 'quickstart.mjs')
    const { status, stdout, stderr } = spawnSync(process.execPath, [script], {
      env,
      encoding: 'utf8',
    })

    const [heading, ...json] = stdout.split('\n')
    expect({ status, heading }).toEqual({ status: 0, heading: '##### Credentials' })
    expect(Object.keys(JSON.parse(json.join('\n')) as object)).toEqual([
      'accessKey',
      'secretKey',
      'expiration',
      'sessionToken',
    ])
    expect(stderr).toContain('put my-bucketname/my-objectname')
    expect(stderr).toContain('my-bucketname/my-objectname: Hello, World')
    expect(stderr).toMatch(/put was denied.*AccessDenied.*session policy/)
    expect(readdirSync(folder)).toEqual([])
  })
})
