/** Options of the gateway to another S3, which it calls with the root credentials. */
export interface GatewayObjects {
  readonly kind: 'gateway'
  /** Origin of the upstream: http or https, no path. */
  readonly url: URL
  /** Region that requests are signed for; if undefined, it is taken from the upstream's address or its first answer. */
  readonly region: string | undefined
  /** Addressing style: where the bucket's name goes. */
  readonly style: 'path' | 'virtual-host'
  /** PEM certificates to trust besides the built-in roots. */
  readonly ca: readonly string[] | undefined
}
