import type { Principal } from '../sessions/principal.ts'

/**
 * The principal of an unsigned request to S3. It has no policies, so that only a bucket's policy can allow it anything (Amazon S3 User Guide, "Bucket
 * policies": `"Principal": "*"`).
 */
export const anonymousPrincipal: Principal = {
  kind: 'anonymous',
  accessKey: '',
  subject: 'anonymous',
  claims: {},
  policyNames: [],
  sessionPolicy: undefined,
  groups: [],
  expiresAtMs: undefined,
  issuedAtMs: undefined,
}
