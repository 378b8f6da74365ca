/**
 * What to try for failures of client/, server/, base/ and protocol/: those name no flag and no command, because a program that uses the
 * library has neither. What src/commands/ throws itself carries its hint.
 */
import type { ErrorReason } from '../../base/error-reasons.ts'
import type { StsCliError } from '../../base/errors.ts'
import { suggestCommand } from './suggest-command.ts'

type Hint = string | ((error: StsCliError) => string | undefined)

/** Returns what to try after a failure; undefined where the message says all there is to say. */
export function findHint(error: StsCliError): string | undefined {
  const hint = hints[error.reason]
  return error.hint ?? (typeof hint === 'function' ? hint(error) : hint)
}

/** Returns a hint that holds without a proxy; with one, the proxy is the first thing to look at. */
const unlessProxied =
  (hint: string) =>
  ({ details: { proxy } }: StsCliError): string =>
    proxy === undefined ? hint : 'check HTTPS_PROXY and NO_PROXY'

const logIn = ({ details }: StsCliError): string =>
  suggestCommand('login', details.profile ?? 'default')

const certificateWithKey =
  'both must be PEM, the key without a passphrase, and they must belong together'

/** By the error codes of OAuth (RFC 6749 §5.2, RFC 8628 §3.5). */
const oauthHints = new Map<string, (grant: string) => string>([
  ['invalid_client', () => 'check -cid and -csec'],
  [
    'unauthorized_client',
    (grant) => `check -cid and -csec, and that the client may use the ${grant} grant`,
  ],
  [
    'unsupported_grant_type',
    (grant) => `allow the ${grant} grant for this client at the identity provider`,
  ],
  ['invalid_scope', () => 'ask for a scope that the identity provider knows, or leave --scope out'],
  ['invalid_grant', () => 'check the credentials that were given'],
  ['access_denied', () => 'the login was refused or given up at the identity provider'],
  ['expired_token', () => 'nobody signed in while the code was good: start again'],
])

function hintForOAuth({ serverCode, httpStatus, details }: StsCliError): string | undefined {
  const hint = oauthHints.get(serverCode ?? '')
  if (hint !== undefined) return hint(details.grant ?? 'client credentials')
  return httpStatus === 404
    ? 'check the path of -idp-ep: realm or tenant may be misspelt'
    : undefined
}

const formatHints: Readonly<Record<string, string>> = {
  ini: 'use sts-cli exec, or credential_process',
  dotenv: 'use sts-cli exec, or -f json',
}

function hintForInUse({ details: { pid, host, path } }: StsCliError): string {
  return host === undefined
    ? `name another directory, or stop process ${pid ?? ''} first`
    : `name another directory, or stop that server first; if ${host} runs none, remove ${path ?? ''}`
}

const hints: Readonly<Partial<Record<ErrorReason, Hint>>> = {
  // Requests over HTTP.
  'proxy-invalid': 'write HTTPS_PROXY=http://host:port',
  'host-unknown': unlessProxied('check the address for a typing mistake'),
  'answer-timeout': 'give it longer with --timeout, or check the address',
  'connection-refused': unlessProxied('is it running? sts-cli serve starts one on this machine'),
  'certificate-untrusted':
    'name its authority with --ca-file, or try -k to see whether that is all',
  'tls-handshake-failed': 'https was spoken to something that may speak http: check the address',
  'answer-not-http': 'http where https is meant?',

  // Files, commands and the keyring.
  'client-certificate-invalid': certificateWithKey,
  'tls-certificate-invalid': certificateWithKey,
  'ca-file-invalid': 'it must be PEM: openssl x509 -inform der -in FILE converts',
  'client-key-invalid':
    'RSA, P-256, P-384, P-521 or Ed25519, as PEM without a passphrase or as a JWK',
  'secret-command-failed': ({ details }) => `check --${details.option ?? ''}`,
  'home-missing': ({ details }) => `set HOME, or ${details.variable ?? ''}`,
  'aws-file-invalid': 'the file is left as it is; mend that line first',
  'config-key-unknown': 'settings belong below [profile.NAME]',
  'config-key-outside-profile': 'write [profile.NAME] above it',
  'config-file-not-editable': ({ details: { option, profile } }) =>
    `write ${option ?? ''} = … below [profile.${profile ?? ''}] by hand`,
  'cache-unwritable': 'use --cache none, or point XDG_CACHE_HOME at a folder you can write',
  'keyring-unavailable': 'use --cache file (0600), or --cache none',
  'profile-locked': ({ details }) => `if none runs, remove ${details.path ?? ''}`,
  'format-value-unsupported': ({ details }) =>
    formatHints[details.format ?? ''] ?? 'use sts-cli exec, or another client',
  'format-endpoint-with-path': 'name the server alone: -sts-ep https://host:9000',

  // The identity provider.
  'discovery-document-missing': 'check --issuer, or name -idp-ep itself',
  'issuer-missing': 'name the provider with --issuer URL',
  'discovery-issuer-mismatch': 'use exactly that one for --issuer if you trust it',
  'provider-endpoint-missing': ({ details }) =>
    `its discovery document names no ${details.endpoint ?? ''}; choose another --grant`,
  'login-refused': hintForOAuth,
  'token-request-refused': hintForOAuth,
  'identity-provider-busy': hintForOAuth,
  'identity-provider-unavailable': hintForOAuth,
  'identity-provider-proxy-error': 'try again later',
  'token-answer-without-token': 'is this the token endpoint?',
  'token-type-unsupported':
    'only bearer tokens can be exchanged: switch off DPoP or MAC tokens for this client',
  'token-endpoint-redirects':
    'the token endpoint must answer itself; a redirect often leads to a login page',
  'token-endpoint-invalid':
    'check -idp-ep: it must be the token endpoint, not a web page or a proxy',
  'redirect-uri-unavailable':
    'another program has the port: choose another with --redirect-uri, or 0',
  'login-timeout':
    'start again; --wait gives more time, --grant device-code works with a browser elsewhere',
  'device-login-timeout': 'start again; --wait gives more time where the provider does too',
  'login-state-mismatch': 'it may belong to an older login: start again',
  'login-time-mismatch': 'compare the clocks of this machine and the provider',
  'github-token-refused': 'give the job «permissions: { id-token: write }»',
  'refresh-token-missing': logIn,
  'login-expired': logIn,
  'client-secret-not-cached': (error) =>
    `set STS_CLI_CLIENT_ID and STS_CLI_CLIENT_SECRET_FILE, or ${logIn(error)}`,
  'token-not-jwt':
    "an STS needs a JWT access token; at WSO2, set the application's token type to JWT",

  // The STS.
  'sts-answer-invalid':
    'check -sts-ep: it must be the address of an STS (MinIO, or sts-cli serve), not of a web page or a proxy',
  'sts-proxy-error': 'try again later',
  'sts-proxy-busy': 'try again later',
  'sts-keys-unavailable':
    'the identity provider’s key set must be reachable from the STS: check its address and its certificate’s authority there',
  'ldap-login-refused': 'check --username and the password',
  'client-certificate-refused':
    'is --cert signed by the authority that the STS trusts, for clients, and not expired?',
  'role-refused': 'name a role of the STS with --role-arn',
  'policy-claim-missing':
    'the token must name a policy: add a claim «policy» at the identity provider (sts-cli inspect shows the claims)',
  'access-keys-refused':
    'check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: they sign --action assume-role',
  'account-unexpected': 'check -sts-ep, --role-arn and the profile, or correct --expect-account',
  'issuer-unexpected':
    'check --issuer, the profile and where the token comes from, or correct --expect-issuer',
  'expectation-unverifiable':
    'leave --expect-account or --expect-issuer out for an STS that does not say it (MinIO)',
  'token-expired': 'get a new token; if it is new, compare the clocks',
  'duration-refused': 'use --duration between 900 and 31536000 seconds',
  'audience-refused': 'the STS expects its own client id in the token’s aud or azp claim',
  'token-signature-refused': 'does the STS trust this identity provider’s keys?',

  // The server at its start.
  'port-in-use': ({ details }) =>
    `choose another with --${details.option ?? 'address'}, or port 0 for a free one`,
  'address-unavailable': ({ details }) => `check --${details.option ?? 'address'}`,
  'bucket-name-invalid':
    '3 to 63 of a-z, 0-9, dot and hyphen, beginning and ending with a letter or digit',
  'server-policy-unknown': ({ details }) =>
    `there are ${details.known?.join(', ') ?? ''}; add your own with --policy NAME=FILE`,
  'rego-query-invalid': 'write the package, or a rule in it: httpapi/authz or httpapi/authz/allow',
  'rego-empty': 'a Rego file ends in .rego and begins with its package: package httpapi.authz',
  'rego-query-missing': ({ details }) =>
    `say which decides: --rego-query ${details.known?.join(', or ') ?? ''}`,
  'opa-missing':
    'install it (openpolicyagent.org), or run it elsewhere and set MINIO_POLICY_OPA_URL',
  'opa-unsupported': 'on Windows run opa yourself and set MINIO_POLICY_OPA_URL',
  'directory-locked': ({ details }) =>
    `if no other server uses the directory, remove ${details.path ?? ''}`,
  'directory-in-use': hintForInUse,
  'directory-unwritable': 'name a folder that you may write to',
  'disk-full': 'make room on its disk',
  'index-failed': 'use a folder on a disk of this machine, not on a network',
  'disk-failed': 'look at the disk and at what the system logs of it',
  'gateway-style-unsupported':
    'leave --gateway-style out, or tell the upstream its domain (MINIO_DOMAIN at MinIO)',
  'upstream-refused': 'MINIO_ROOT_USER and MINIO_ROOT_PASSWORD must be keys of the upstream',
  'upstream-unavailable': 'the upstream S3 must answer when the gateway starts',
  'etcd-answer-invalid':
    'MINIO_ETCD_ENDPOINTS must name etcd 3.4 or newer, by its client addresses',
  // etcd's gateway shows etcd the member's own certificate when it demands one of clients.
  'etcd-unavailable':
    'see the log of etcd; with --client-cert-auth its own certificate must be good for clientAuth too',
  'etcd-refused':
    'set MINIO_ETCD_USERNAME and MINIO_ETCD_PASSWORD of a user who may read and write config/iam/',
  'etcd-certificate-untrusted': 'name its authority with --ca-file',
  'etcd-unreachable': 'is it running, and is MINIO_ETCD_ENDPOINTS right?',
}
