import { describe, expect, it } from 'vitest'
import { revokeSession } from '../../src/client/revoke-session.ts'
import { encodeS3Error } from '../../src/protocol/s3-wire.ts'
import { AwsError } from '../../src/protocol/aws-error.ts'
import { startFake, startMs } from '../support/commands/harness.ts'

describe('session revocation', () => {
  it('a session is revoked at a server of another region after the server names it', async () => {
    const malformed = new AwsError('AuthorizationHeaderMalformed', 'expecting eu-west-1', {
      details: { Region: 'eu-west-1' },
    })
    const body = encodeS3Error(malformed, { resource: '/', requestId: '1', hostId: 'h' })
    const server = await startFake(({ headers }) =>
      headers.authorization?.includes('/eu-west-1/s3/') === true
        ? { status: 204 }
        : { status: 400, body },
    )
    const cached = {
      version: 2,
      origin: {},
      accessKeyId: 'NUIBORZYTV2HG2BMRSXR',
      secretAccessKey: 'secret',
      sessionToken: 'token',
      expiresAtMs: startMs + 1000,
      issuedAtMs: startMs,
      expirationText: '',
      stsEndpoint: server.url,
      profile: 'default',
      inputs: '',
    } as const
    const net = { timeoutMs: 5000, retries: 0, env: {} }
    expect(await revokeSession(cached, net, startMs)).toBe('revoked')
    expect(server.seen).toHaveLength(2)
  })
})
