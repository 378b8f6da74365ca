/** A variable that is no URL was shown as it is, with the password in it. */
import { expect, it } from 'vitest'
import { readUrlVariable } from '../../../src/commands/serve/variables.ts'
import { createIo } from '../../support/commands/harness.ts'

it.each(['ftp://me:s3cret@opa', 'me:s3cret@opa:8181', 'http://me:s3cret@'])(
  'the refusal of %s does not show the password',
  (text) => {
    const name = 'MINIO_POLICY_OPA_URL'
    const read = (): unknown => readUrlVariable(createIo({ env: { [name]: text } }), name)
    expect(read).toThrow(`${name} is not an http or https URL`)
    expect(read).not.toThrow('s3cret')
  },
)
