/** The flags of `serve`. */
import { gatewayStyles, logLevels } from './option-choices.ts'
import { defineGroup, listWords, type OptionSpec } from './option-spec.ts'

const serve = defineGroup('serve', ['serve'])

export const serveOptions: readonly OptionSpec[] = [
  serve('address HOST:PORT', 'address of STS and S3; port 0 takes a free one', {
    default: '127.0.0.1:9000',
  }),
  serve('idp-address HOST:PORT', 'address of the embedded identity provider', {
    default: '127.0.0.1:9443',
  }),
  serve('no-idp', 'no embedded identity provider'),
  serve('client ID:SECRET[:POLICY]…', 'a client of the embedded provider; may be repeated'),
  serve(
    'user NAME:PASSWORD[:POLICY]…',
    'who may sign in there with a browser, a device or a password; may be repeated',
  ),
  serve('redirect-uri URL…', 'where browser logins may lead besides this machine; may be repeated'),
  serve('policy NAME=FILE…', 'a policy that tokens may name; may be repeated'),
  serve('role FILE…', 'a role and whose tokens may assume it, in JSON; may be repeated'),
  serve('ldap-policy POLICY=DN…', 'policy of an LDAP user or group; may be repeated'),
  serve('ldap-policy-file FILE', 'the same from a file of JSON: {"DN": "POLICY"}'),
  serve('rego FILE|DIR', 'Rego that decides instead of policies; runs the opa of the PATH'),
  serve('rego-query DOCUMENT', 'what to ask it: httpapi/authz; its one package when left out'),
  serve('bucket NAME…', 'a bucket to make at start; may be repeated'),
  serve(
    'gateway',
    'serve another S3, at the address after it (AWS without one), instead of a directory',
  ),
  serve('gateway-region NAME', 'region of that S3; found out when it is not given'),
  serve('gateway-style STYLE', `how it is told the bucket: ${listWords(gatewayStyles)}`, {
    default: 'path',
    choices: gatewayStyles,
  }),
  serve('stateless', 'a gateway without etcd: root’s secret alone makes credentials known'),
  serve('tls', 'https with a certificate made at start'),
  serve('tls-cert FILE', 'certificate of the server, in PEM'),
  serve('tls-key FILE', 'its key'),
  serve('client-ca FILE', 'authorities whose client certificates are believed, in PEM'),
  serve(
    'trusted-proxy CIDR…',
    'network of a proxy whose X-Forwarded-* or Forwarded headers are believed; may be repeated',
  ),
  serve('region NAME', 'region that requests must be signed for; any if omitted'),
  serve(
    'cors-origin ORIGIN…',
    'origin whose pages may read answers; any when left out; may be repeated',
  ),
  serve('allow-signature-v2', 'accept S3 requests with Signature Version 2 in the header', {
    env: ['STS_CLI_ALLOW_SIGNATURE_V2'],
  }),
  serve('observe POLICY', 'policy that decides nothing; watch shows what it would deny'),
  serve('keep-decisions N', 'decided requests kept for watch and explain; 0 for none', {
    default: '10000',
  }),
  serve('workers N', 'processes that share the address, one a core', { default: '1' }),
  serve('min-duration SECONDS', 'shortest life of credentials', { default: '900' }),
  serve('max-duration SECONDS', 'longest life of credentials', { default: '31536000' }),
  serve('allow-longer-than-token', 'let credentials outlive the token they came from'),
  serve('log-level LEVEL', listWords(logLevels), { default: 'warn', choices: logLevels }),
  serve('ready-file FILE', 'written (0600) when the server is ready, as the line of --json'),
  serve('allow-remote', 'accept a weak root secret, the demo client or users off this machine'),
]
