/** Reads from the environment which S3 the conformance table examines. */
import type { Endpoint } from './send-step.ts'

/**
 * Returns the S3 of `S3_CONFORMANCE_URL`, `S3_CONFORMANCE_ACCESS_KEY`, `S3_CONFORMANCE_SECRET_KEY` and `S3_CONFORMANCE_REGION` (us-east-1 if
 * left out); undefined without a URL.
 *
 * @throws {Error} for a URL without keys.
 */
export function readEndpoint(
  env: Readonly<Record<string, string | undefined>>,
): Endpoint | undefined {
  const url = env['S3_CONFORMANCE_URL']
  if (url === undefined) return undefined
  const required = (name: string): string => {
    const value = env[name]
    if (value === undefined) throw new Error(`${name} is not set`)
    return value
  }
  return {
    url: new URL(url),
    accessKeyId: required('S3_CONFORMANCE_ACCESS_KEY'),
    secretAccessKey: required('S3_CONFORMANCE_SECRET_KEY'),
    region: env['S3_CONFORMANCE_REGION'] ?? 'us-east-1',
  }
}
