import { describe, expect, it } from 'vitest'
import { readIdentityProvider } from '../../../src/commands/serve/services.ts'
import type { Io } from '../../../src/base/io.ts'
import type { Settings } from '../../../src/commands/options/settings.ts'

/** Reads the provider of a command line whose only flags are these. */
function read(uris: readonly string[], flags: readonly string[] = []): unknown {
  const settings = {
    list: (name: string) => (name === 'redirect-uri' ? uris : []),
    has: (name: string) => flags.includes(name),
  } as unknown as Settings
  const address = { host: '127.0.0.1', port: 0 }
  return readIdentityProvider(settings, { env: {} } as unknown as Io, {
    openId: { claimBased: undefined, roleProviders: [], policyClaim: 'policy' },
    readAddress: () => address,
    readClients: () => [],
    readUsers: () => [],
  })
}

describe('serve --redirect-uri', () => {
  it('serve --redirect-uri takes web addresses and private schemes', () => {
    const uris = ['https://app.example.com/cb', 'http://console:9001/cb?a=b', 'com.example.app:/cb']
    expect(read(uris)).toMatchObject({ redirectUris: uris })
  })

  it.each([
    '',
    'app.example.com/cb',
    '/cb',
    'javascript:alert(1)',
    'data:text/html,x',
    'file:///tmp/x',
    'https://app.example.com/cb#x',
    'https://*.example.com/cb',
    'https://app.example.com/a b',
  ])('serve --redirect-uri %j is refused by its name', (uri) => {
    expect(() => read([uri])).toThrow(`the --redirect-uri ${JSON.stringify(uri)} is not an address`)
  })

  it('the error for an address with a password does not show it', () => {
    expect(() => read(['https://a:secret@h/cb'])).toThrow(/^the --redirect-uri is not an address/)
  })

  it('serve --redirect-uri is refused without the embedded provider', () => {
    expect(() => read(['https://h/cb'], ['no-idp'])).toThrow(
      '--redirect-uri and --no-idp cannot be used together',
    )
  })
})
