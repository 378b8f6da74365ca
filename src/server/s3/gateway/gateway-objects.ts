/** Another S3, asked with the root credentials. */
export interface GatewayObjects {
  readonly kind: 'gateway'
  /** Origin of the upstream: http or https, no path. */
  readonly url: URL
  /** What the upstream's signatures are for; undefined: what its address or its answer to the first request says. */
  readonly region: string | undefined
  /** How buckets are named to it. */
  readonly style: 'path' | 'virtual-host'
  /** PEM certificates to trust besides the built-in roots. */
  readonly ca: readonly string[] | undefined
}
