/** A token file over 64 KiB must not be truncated. */
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, it } from 'vitest'
import { idpToken, openStage } from '../support/commands/harness.ts'

it('a token file is read to its end, or refused if it is longer than 256 KiB', async () => {
  const stage = await openStage()
  const file = path.join(stage.home, 'jwt')
  const exchange = () =>
    stage.cli([
      'exchange',
      '--token-file',
      file,
      '-sts-ep',
      stage.sts.url,
      '--field',
      'accessKeyId',
    ])

  const long = `${idpToken}${'x'.repeat(200_000)}`
  await writeFile(file, long)
  expect(await exchange()).toMatchObject({ code: 0 })
  expect(stage.sts.seen[0]?.form.get('Token')).toBe(long)

  await writeFile(file, 'x'.repeat(300_000))
  const { code, stderr } = await exchange()
  expect(code).toBe(65)
  expect(stderr).toContain('the token file is longer than 262144 bytes')
  expect(stage.sts.seen).toHaveLength(1)
})
