/** AWS's own STS endpoints: their regions are in their names. On the hot path of `env`: it loads nothing. */

/** AWS's domains: the partitions `aws`, `aws-us-gov` and `aws-cn`, and the dual-stack endpoints. */
const awsHost = /\.(?:amazonaws\.com(?:\.cn)?|api\.aws)$/
/** `sts.REGION.amazonaws.com`, its FIPS and dual-stack forms, and an interface endpoint in a VPC (AWS General Reference, "AWS STS endpoints"). */
const regionalHost =
  /^(?:vpce-[\w-]+\.)?sts(?:-fips)?\.([a-z]{2}(?:-[a-z]+)+-\d+)\.(?:vpce\.)?(?:amazonaws\.com(?:\.cn)?|api\.aws)$/

/** Returns whether the endpoint is AWS's, where S3 has other addresses than the STS. */
export function isAwsEndpoint(endpoint: string): boolean {
  return URL.canParse(endpoint) && awsHost.test(new URL(endpoint).hostname)
}

/**
 * Returns the region that a request to the STS is signed for: that in the name of a regional endpoint of AWS, us-east-1 for its global one
 * (AWS refuses a signature for another), else the given one.
 */
export function chooseSigningRegion(endpoint: string, region: string): string {
  if (!URL.canParse(endpoint)) return region
  const { hostname } = new URL(endpoint)
  if (hostname === 'sts.amazonaws.com') return 'us-east-1'
  return regionalHost.exec(hostname)?.[1] ?? region
}
