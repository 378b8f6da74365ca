/** Which region a bucket's requests are signed for, and where they go. AWS has many under one name; others have one. */

export interface BucketRegionCache {
  /** Region of buckets that nothing else is known of. */
  home(): string
  of(bucket: string): string
  /** Whether a request for the bucket may find that it should have gone elsewhere. */
  isUnknown(bucket: string): boolean
  /** Notes what an answer said. @returns The region to ask again for; undefined where it was the right one or none. */
  set(bucket: string, asked: string, said: string | undefined): string | undefined
  /** Host to send a region's requests to. */
  hostOf(region: string): string
}

/** Buckets are forgotten, the oldest first, beyond this many. */
const maxRemembered = 10_000

const awsHost = /^s3(?:[.-](?:dualstack\.)?([a-z]{2}(?:-[a-z]+)+-\d))?\.(amazonaws\.com(?:\.cn)?)$/

/** @param url Origin of the upstream. @param given What the operator says; else the host's name is asked, else it is us-east-1 until an answer says otherwise. */
export function createRegionBook(url: URL, given: string | undefined): BucketRegionCache {
  const [whole, named, domain] = awsHost.exec(url.hostname) ?? []
  const isMany = whole !== undefined
  let home = given ?? named ?? 'us-east-1'
  const known = new Map<string, string>()
  return {
    home: () => home,
    of: (bucket) => known.get(bucket) ?? home,
    isUnknown: (bucket) => isMany && bucket !== '' && !known.has(bucket),
    set(bucket, asked, said) {
      // it becomes part of a host's name
      if (said === undefined || !/^[a-z0-9-]{1,64}$/i.test(said)) return undefined
      if (isMany && bucket !== '') remember(known, bucket, said)
      else if (given === undefined) home = said
      return said === asked ? undefined : said
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
