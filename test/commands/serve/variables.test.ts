/** A variable that is not a URL may contain a password, which no error shows. */
import { expect, it } from 'vitest'
import { readUrlVariable } from '../../../src/commands/serve/variables.ts'
import { createIo } from '../../support/commands/harness.ts'

it.each(['ftp://me:s3cret@opa', 'me:s3cret@opa:8181', 'http://me:s3cret@'])(
  'the error about the invalid URL %s does not show the password',
  (text) => {
    const name = 'MINIO_POLICY_OPA_URL'
    const read = (): unknown => readUrlVariable(createIo({ env: { [name]: text } }), name)
    expect(read).toThrow(`${name} is not an http or https URL`)
    expect(read).not.toThrow('s3cret')
  },
)
