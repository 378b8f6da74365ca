import { describe, expect, it } from 'vitest'
import type { ErrorReason } from '../../../src/base/error-reasons.ts'
import { StsCliError, type StsCliErrorOptions } from '../../../src/base/errors.ts'
import { findHint } from '../../../src/commands/hints/error-hints.ts'

function hintOf(reason: ErrorReason, options: StsCliErrorOptions = {}): string | undefined {
  return findHint(new StsCliError(reason, 'it failed', options))
}

describe('hint for an error', () => {
  it.each<[ErrorReason, StsCliErrorOptions, string]>([
    ['connection-refused', {}, 'is it running? sts-cli serve starts one on this machine'],
    ['connection-refused', { details: { proxy: 'p:1' } }, 'check HTTPS_PROXY and NO_PROXY'],
    ['profile-locked', { details: { path: '/c/lock' } }, 'if none runs, remove /c/lock'],
    ['cache-unwritable', {}, 'use --cache none, or point XDG_CACHE_HOME at a folder you can write'],
    ['login-expired', { details: { profile: 'default' } }, 'sts-cli login'],
    ['login-expired', { details: { profile: 'ci' } }, 'sts-cli login -p ci'],
    [
      'client-secret-not-cached',
      { details: { profile: 'ci' } },
      'set STS_CLI_CLIENT_ID and STS_CLI_CLIENT_SECRET_FILE, or sts-cli login -p ci',
    ],
    [
      'sts-answer-invalid',
      {},
      'check -sts-ep: it must be the address of an STS (MinIO, or sts-cli serve), not of a web page or a proxy',
    ],
    [
      'format-value-unsupported',
      { details: { format: 'ini' } },
      'use sts-cli exec, or credential_process',
    ],
    [
      'format-value-unsupported',
      { details: { format: 'mc' } },
      'use sts-cli exec, or another client',
    ],
    [
      'token-request-refused',
      { serverCode: 'unsupported_grant_type', details: { grant: 'device code' } },
      'allow the device code grant for this client at the identity provider',
    ],
    [
      'token-request-refused',
      { serverCode: 'unauthorized_client' },
      'check -cid and -csec, and that the client may use the client credentials grant',
    ],
    [
      'token-request-refused',
      { httpStatus: 404 },
      'check the path of -idp-ep: realm or tenant may be misspelt',
    ],
    [
      'port-in-use',
      { details: { option: 'idp-address' } },
      'choose another with --idp-address, or port 0 for a free one',
    ],
    [
      'server-policy-unknown',
      { details: { known: ['readonly', 'readwrite'] } },
      'there are readonly, readwrite; add your own with --policy NAME=FILE',
    ],
    [
      'rego-query-missing',
      { details: { known: ['a/b', 'c'] } },
      'say which decides: --rego-query a/b, or c',
    ],
    [
      'directory-in-use',
      { details: { pid: 7, path: '/d/lock' } },
      'name another directory, or stop process 7 first',
    ],
    [
      'directory-in-use',
      { details: { pid: 7, host: 'far', path: '/d/lock' } },
      'name another directory, or stop that server first; if far runs none, remove /d/lock',
    ],
    [
      'directory-locked',
      { details: { path: '/d/lock' } },
      'if no other server uses the directory, remove /d/lock',
    ],
    ['directory-unwritable', {}, 'name a folder that you may write to'],
    ['disk-full', {}, 'make room on its disk'],
    ['etcd-certificate-untrusted', {}, 'name its authority with --ca-file'],
  ])('the hint for %s %j is the one to type', (reason, options, hint) => {
    expect(hintOf(reason, options)).toBe(hint)
  })

  it.each<[ErrorReason, StsCliErrorOptions]>([
    ['sts-refused', {}],
    ['token-request-refused', { serverCode: 'toString' }],
    ['identity-provider-busy', { httpStatus: 429 }],
  ])('%s %j has no hint', (reason, options) => {
    expect(hintOf(reason, options)).toBeUndefined()
  })

  it('an error’s own hint comes before that of its reason', () => {
    expect(hintOf('connection-refused', { hint: 'start it' })).toBe('start it')
  })
})
