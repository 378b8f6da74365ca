/** The locations of buckets: what CreateBucket asks for, what GetBucketLocation answers, and the region that both stand for. */
import { AwsError } from '../../../protocol/aws-error.ts'
import type { HttpReply } from '../../http/http-message.ts'
import { elements, xmlReply } from './s3-xml.ts'

/** The region of a bucket without a location. */
const defaultRegion = 'us-east-1'

/**
 * Checks the location constraint of a new bucket.
 *
 * @param wanted As in the document; empty if there is none.
 * @param region The region of the server; empty if it takes any.
 * @returns The constraint to store; empty for us-east-1, as AWS answers it. `US` is its old name.
 * @throws {AwsError} `InvalidLocationConstraint` for a text that cannot be a region, or for a region other than the server's.
 */
export function readLocationConstraint(wanted: string, region: string): string {
  if (wanted === '' || wanted === 'US' || (wanted === defaultRegion && region === '')) return ''
  if (region === '' && /^[a-z0-9-]{1,64}$/i.test(wanted)) return wanted
  if (wanted === region) return wanted === defaultRegion ? '' : wanted
  const message =
    region === '' ? 'a location has letters, digits and hyphens' : `this server is region ${region}`
  throw new AwsError('InvalidLocationConstraint', message, {
    details: { LocationConstraint: wanted.slice(0, 100) },
  })
}

/** Returns the location to answer: the server's region if it has one, because clients sign for what is answered. */
export function toLocation(stored: string, region: string): string {
  if (region === '') return stored
  return region === defaultRegion ? '' : region
}

/** Returns the region of a location. `EU` is the old name of eu-west-1 (AWS, "CreateBucket", LocationConstraint). */
export function toRegion(location: string): string {
  if (location === 'EU') return 'eu-west-1'
  return location === '' ? defaultRegion : location
}

/** Returns the document of GetBucketLocation, whose root is the location; us-east-1 is an empty text. */
export function describeLocation(location: string): HttpReply {
  const reply = xmlReply('LocationConstraint', elements({}))
  return { ...reply, body: String(reply.body).replace('></', () => `>${location}</`) }
}
