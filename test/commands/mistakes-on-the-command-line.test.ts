/** Words that no command understands must not be ignored, and each mistake gets its own message. */
import { describe, expect, it } from 'vitest'
import { openStage } from '../support/commands/harness.ts'

describe('mistakes on the command line', () => {
  it.each([
    [['login', '--color', 'sometimes'], 64, '--color "sometimes" is not known'],
    [['-cid', 'x', '--color', 'sometimes'], 64, 'use auto, always, never'],
    [['creds', '-f', 'env', '--json'], 64, '--format and --json cannot be used together'],
    [['creds', '-f', 'mc', '--field', 'expiration'], 64, '--format and --field cannot be used'],
    [['token', '--json', '--header'], 64, '--json and --header cannot be used together'],
    [['config', 'set', 'format', 'jsno'], 64, 'format cannot be "jsno"'],
    [['completion', 'tcsh'], 64, '"tcsh" is none that it knows'],
    [['login', '-idp-ep', 'nonsense'], 64, '--idp-endpoint "nonsense" is not an http or https URL'],
    [['login', '-csec', 'a', '--client-secret-file', 'b'], 64, 'cannot be used together'],
    [['creds', '-o', '', '--field', 'expiration'], 73, 'the file "" cannot be written'],
  ])('the command line %j gets its own error message', async (argv, code, message) => {
    const stage = await openStage()
    await stage.ask(['login', '-q'])
    const ran = await stage.cli(argv)
    expect(ran).toMatchObject({ code, stdout: '' })
    expect(ran.stderr).toContain(message)
  })

  it('an invalid session policy is refused before any request', async () => {
    const stage = await openStage()
    const { code, stderr } = await stage.ask(['login', '--policy', '{"Version":'])
    expect(code).toBe(65)
    expect(stderr).toContain('--policy is no JSON object')
    expect([stage.idp.seen, stage.sts.seen]).toEqual([[], []])
  })

  it('the hint for an unknown profile names the profile, quoted for the shell', async () => {
    const stage = await openStage()
    const creds = await stage.cli(['creds', '-p', 'cii'])
    expect(creds.stderr).toContain('hint: sts-cli login -p cii creates it\n')
    expect((await stage.cli(['env', '-p', "it's"])).stderr).toContain(
      `hint: sts-cli login -p 'it'\\''s' creates it\n`,
    )
    expect((await stage.cli(['status', '-p', 'cii'])).stderr).toContain(
      'sts-cli login -p cii creates',
    )
    const login = await stage.cli(['login', '-p', 'cii', '-sts-ep', stage.sts.url])
    expect(login.stderr).toContain('the profile "cii" names none (sts-cli config list)')
  })

  it('--json is allowed together with the same --format and with STS_CLI_FORMAT', async () => {
    const stage = await openStage()
    const json = ['--json', '--refresh']
    expect((await stage.ask(['creds', '-f', 'json', ...json])).code).toBe(0)
    const env = { STS_CLI_FORMAT: 'env' }
    const { code, stdout } = await stage.ask(['creds', ...json], { env })
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toHaveProperty('accessKeyId')
  })
})
