import { AwsError } from '../../protocol/aws-error.ts'
import type { ClientCertificate, HttpRequest } from '../http/http-message.ts'
import { readCertificate, type CertificateIdentity } from '../identity/certificate-identity.ts'
import { keepKnownPolicies } from './keep-known-policies.ts'
import type { StsAction } from './sts-action.ts'

/** MinIO's limit for the CA certificates between a client certificate and the trusted CA. */
const maxAuthorities = 10

/**
 * AssumeRoleWithCertificate: exchanges a client certificate, whose key the client proved to hold in the TLS handshake, for temporary
 * credentials. The certificate's common name is the name of its policy (MinIO, "AssumeRoleWithCertificate").
 */
export const assumeRoleWithCertificate: StsAction = {
  name: 'AssumeRoleWithCertificate',
  isIssuing: true,
  async run({ http, session, recorder }, services) {
    const { isCertificateAccepted, limits, nowMs, sessions } = services
    if (isCertificateAccepted !== true) {
      throw new AwsError(
        'STSNotInitialized',
        'client certificates are not configured on this server',
      )
    }
    const presented = requireCertificate(http)
    const certificate = readCertificate(presented.der)
    const commonName = checkCertificate(presented, certificate, nowMs())
    // The prefix separates it from the subjects of other login methods, whose users may choose the same name.
    const subject = `tls:${commonName}`
    const { organizations = [], issuerName, notAfterMs = 0 } = certificate ?? {}
    const { roleSessionName } = session
    recorder.setCaller({ kind: 'certificate', subject, issuer: issuerName, roleSessionName })
    const durationSeconds = session.durationSeconds ?? limits.defaultDurationSeconds
    const policyNames = keepKnownPolicies([commonName], 'the certificate’s common name', services)
    const credentials = await sessions.issue({
      subject,
      claims: {
        sub: commonName,
        iss: issuerName,
        aud: organizations,
        parent: subject,
        ...session.revokeClaims,
      },
      policyNames,
      // MinIO ignores a session policy in this action. Here it applies, because a client that sends one must not get more rights.
      sessionPolicy: session.sessionPolicy,
      sessionPolicyNames: session.sessionPolicyNames,
      groups: [],
      roleSessionName,
      expiresAtMs: Math.min(nowMs() + durationSeconds * 1000, notAfterMs),
    })
    return { credentials }
  },
}

function requireCertificate(http: HttpRequest): ClientCertificate {
  if (!http.isTls) {
    throw new AwsError(
      'InsecureConnection',
      'AssumeRoleWithCertificate needs https: the certificate is shown in the TLS handshake',
    )
  }
  const presented = http.readClientCertificate?.()
  if (presented !== undefined) return presented
  throw new AwsError('MissingParameter', 'the client showed no certificate')
}

/** Returns the common name of a certificate that passes all checks. The checks are in MinIO's order. */
function checkCertificate(
  presented: ClientCertificate,
  certificate: CertificateIdentity | undefined,
  nowMs: number,
): string {
  if (certificate === undefined) throw toCertificateError('cannot be read')
  if (certificate.isAuthority)
    throw new AwsError('MissingParameter', 'the certificate is an authority’s, not a client’s')
  if (presented.authorities > maxAuthorities) {
    throw new AwsError(
      'TooManyIntermediateCAs',
      `the certificate comes with more than ${maxAuthorities} authorities`,
    )
  }
  if (presented.refusal !== undefined) throw toCertificateError(`is refused: ${presented.refusal}`)
  if (!certificate.isForClients)
    throw toCertificateError('is not for clients: its extended key usage lacks clientAuth')
  // The validity is checked again, because a resumed TLS session was verified when it began.
  if (!(nowMs >= certificate.notBeforeMs)) throw toCertificateError('is not valid yet')
  if (!(nowMs < certificate.notAfterMs)) throw toCertificateError('has expired')
  if (certificate.commonName === undefined)
    throw new AwsError('MissingParameter', 'the certificate has no common name, or several')
  return certificate.commonName
}

function toCertificateError(why: string): AwsError {
  return new AwsError('InvalidClientCertificate', `the client certificate ${why}`)
}
