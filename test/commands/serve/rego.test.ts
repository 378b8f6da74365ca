import { expect, it } from 'vitest'
import { makeFolder, runLine } from '../../support/commands/harness.ts'

const refuse = async (argv: readonly string[], env: Readonly<Record<string, string>> = {}) => {
  const { code, stdout, stderr } = await runLine(['serve', ...argv], {
    env: { HOME: await makeFolder(), PATH: '/nowhere', ...env },
  })
  expect(stdout).toBe('')
  return { code, error: stderr.split('\n')[0] }
}

it.each(['MINIO_IAM_OPA_URL', 'MINIO_POLICY_OPA_URL', 'MINIO_POLICY_PLUGIN_URL'])(
  'serve refuses --rego together with %s',
  async (name) => {
    expect(await refuse(['--rego', 'x.rego'], { [name]: 'http://localhost:8181/' })).toEqual({
      code: 64,
      error: `error: serve: --rego and ${name} cannot be used together`,
    })
  },
)

it('serve refuses --rego-query without --rego', async () => {
  expect(await refuse(['--rego-query', 'httpapi/authz'])).toEqual({
    code: 64,
    error: 'error: serve: --rego-query needs --rego',
  })
})

it('serve does not start when the file of --rego is missing', async () => {
  const ports = ['--address', '127.0.0.1:0', '--no-idp']
  expect(await refuse([...ports, '--rego', '/nowhere/x.rego'])).toEqual({
    code: 66,
    error: 'error: serve: the Rego /nowhere/x.rego cannot be read',
  })
})
