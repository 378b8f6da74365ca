import { createSign, randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { generateSigningKey } from '../dist/lib/server/issuer/generate-signing-key.js'

const clientId = 'bench'

/** An identity provider of the bench's own, which signs any number of different tokens; `settings` make a server believe it. */
export async function startTokenIssuer() {
  const { privateKey, publicKey } = await generateSigningKey()
  const key = { ...publicKey.export({ format: 'jwk' }), kid: 'bench', alg: 'RS256', use: 'sig' }
  const server = createServer((request, response) => {
    request.resume()
    response.setHeader('content-type', 'application/json')
    const discovery = { issuer: url, jwks_uri: `${url}/jwks` }
    response.end(JSON.stringify(request.url === '/jwks' ? { keys: [key] } : discovery))
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${server.address().port}`
  return {
    settings: {
      MINIO_IDENTITY_OPENID_CONFIG_URL: `${url}/discovery`,
      MINIO_IDENTITY_OPENID_CLIENT_ID: clientId,
    },
    /** A token of an hour, with the claims that Keycloak's have. */
    signToken() {
      const now = Math.floor(Date.now() / 1000)
      const header = { alg: 'RS256', typ: 'JWT', kid: 'bench' }
      const claims = {
        iss: url,
        sub: randomUUID(),
        jti: randomUUID(),
        aud: clientId,
        azp: clientId,
        iat: now,
        exp: now + 3600,
        scope: 'openid profile email',
        preferred_username: 'alice',
        email: 'alice@example.com',
        groups: ['staff', 'developers'],
        policy: 'readwrite',
      }
      const text = `${encode(header)}.${encode(claims)}`
      return `${text}.${createSign('sha256').update(text).sign(privateKey).toString('base64url')}`
    },
    stop: () => new Promise((resolve) => server.close(resolve)),
  }
}

function encode(value) {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
