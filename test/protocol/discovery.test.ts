import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { discoveryUrl, parseDiscovery } from '../../src/protocol/discovery.ts'

const issuer = 'https://idp.example'

describe('discovery document', () => {
  it('Keycloak’s discovery document yields its endpoints', () => {
    const file = new URL('../vectors/keycloak-26.json', import.meta.url)
    const recorded = JSON.parse(readFileSync(file, 'utf8')) as {
      name: string
      response: { body: string }
    }[]
    const body = recorded.find(({ name }) => name === 'discovery')?.response.body ?? ''
    const realm = 'http://127.0.0.1:8080/realms/quickstart'
    expect(parseDiscovery(JSON.parse(body))).toEqual({
      issuer: realm,
      tokenEndpoint: `${realm}/protocol/openid-connect/token`,
      jwksUri: `${realm}/protocol/openid-connect/certs`,
      authorizationEndpoint: `${realm}/protocol/openid-connect/auth`,
      deviceAuthorizationEndpoint: `${realm}/protocol/openid-connect/auth/device`,
    })
  })

  it('a discovery document requires only an issuer', () => {
    expect(parseDiscovery({ issuer })).toEqual({ issuer })
  })

  it.each([undefined, null, 'x', [], {}, { issuer: 7 }, [{ issuer }]])(
    'a discovery document cannot be %j',
    (json) => {
      expect(parseDiscovery(json)).toBeUndefined()
    },
  )

  it.each(['file:///etc/passwd', 'javascript:alert(1)', 'not a url', '/relative', 7, null])(
    'a discovery document’s endpoint %j is ignored',
    (address) => {
      expect(parseDiscovery({ issuer, jwks_uri: address, token_endpoint: address })).toEqual({
        issuer,
      })
    },
  )
})

describe('discovery URL', () => {
  it.each([
    [issuer, `${issuer}/.well-known/openid-configuration`],
    [`${issuer}/`, `${issuer}/.well-known/openid-configuration`],
    [`${issuer}/oauth2/token`, `${issuer}/oauth2/token/.well-known/openid-configuration`],
  ])('the discovery URL of %s is %s', (name, url) => {
    expect(discoveryUrl(name)).toBe(url)
  })
})
