/** Caches the region of each bucket, for which its requests are signed. AWS has many regions under one host name, others have one. */

export interface BucketRegionCache {
  /** Default region, for buckets whose region is unknown. */
  home(): string
  of(bucket: string): string
  /** Returns whether a request for the bucket may be redirected to another region. */
  isUnknown(bucket: string): boolean
  /** Caches the region that an answer reported. @returns The region for a retry; undefined if it was the same or none. */
  set(bucket: string, asked: string, reported: string | undefined): string | undefined
  /** Returns the host for a region's requests. */
  hostOf(region: string): string
}

/** Maximum number of cached buckets; the oldest is evicted first. */
const maxRemembered = 10_000

const awsHost = /^s3(?:[.-](?:dualstack\.)?([a-z]{2}(?:-[a-z]+)+-\d))?\.(amazonaws\.com(?:\.cn)?)$/

/** @param url Origin of the upstream. @param given The configured region; if undefined, the host name's, else us-east-1 until an answer names another. */
export function createBucketRegionCache(url: URL, given: string | undefined): BucketRegionCache {
  const [whole, named, domain] = awsHost.exec(url.hostname) ?? []
  const isMany = whole !== undefined
  let home = given ?? named ?? 'us-east-1'
  const known = new Map<string, string>()
  return {
    home: () => home,
    of: (bucket) => known.get(bucket) ?? home,
    isUnknown: (bucket) => isMany && bucket !== '' && !known.has(bucket),
    set(bucket, asked, reported) {
      // The region becomes part of a host name.
      if (reported === undefined || !/^[a-z0-9-]{1,64}$/i.test(reported)) return undefined
      if (isMany && bucket !== '') remember(known, bucket, reported)
      else if (given === undefined) home = reported
      return reported === asked ? undefined : reported
    },
    hostOf(region) {
      if (!isMany || region === home) return url.host
      return `s3.${region}.${domain ?? ''}${url.port === '' ? '' : `:${url.port}`}`
    },
  }
}

function remember(known: Map<string, string>, bucket: string, region: string): void {
  known.delete(bucket)
  known.set(bucket, region)
  const [oldest] = known.keys()
  if (known.size > maxRemembered && oldest !== undefined) known.delete(oldest)
}
