/**
 * The floor of `login`: the same two requests with node:https and node:http and nothing else.
 *
 * node bench/bare-login.mjs TOKEN-ENDPOINT CA-FILE STS-ENDPOINT CLIENT-ID   (the secret comes by BENCH_SECRET)
 */
import { readFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'

const [tokenEndpoint, caFile, stsEndpoint, clientId] = process.argv.slice(2)

function post(url, body, headers, options) {
  return new Promise((resolve, reject) => {
    const send = url.startsWith('https:') ? https.request : http.request
    const request = send(
      url,
      {
        method: 'POST',
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          'content-length': Buffer.byteLength(body),
          ...headers,
        },
        ...options,
      },
      (response) => {
        let text = ''
        response.on('data', (chunk) => (text += chunk))
        response.on('end', () => resolve(text))
      },
    )
    request.on('error', reject)
    request.end(body)
  })
}

const basic = Buffer.from(`${clientId}:${process.env.BENCH_SECRET}`).toString('base64')
const answer = JSON.parse(
  await post(
    tokenEndpoint,
    'grant_type=client_credentials',
    { authorization: `Basic ${basic}` },
    { ca: readFileSync(caFile), agent: false },
  ),
)
const xml = await post(
  `${stsEndpoint}/`,
  `Action=AssumeRoleWithClientGrants&Version=2011-06-15&DurationSeconds=3600&Token=${answer.access_token}`,
  {},
  { agent: false },
)
if (!xml.includes('<SecretAccessKey>')) throw new Error('the STS did not grant credentials')
