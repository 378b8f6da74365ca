/**
 * Finds ambiguous requests. Different readers could read such a request differently: a proxy in front of the server, the signature check,
 * the policy engine, or the gateway's upstream.
 */
import type { IncomingMessage } from 'node:http'

/**
 * The headers that may have only one value. Of two values, some readers use the first, some the last, and some join them. All `x-amz-`
 * headers that do not match `listHeader` are of this kind too.
 */
const singleValueHeaders = new Set([
  'authorization',
  'content-disposition',
  'content-length',
  'content-md5',
  'content-range',
  'content-type',
  'date',
  'expires',
  'host',
  'if-modified-since',
  'if-range',
  'if-unmodified-since',
  'origin',
  'proxy-authorization',
  'range',
  'referer',
  'user-agent',
])
/** Matches `x-amz-` headers that are lists: several lines mean the same as one (RFC 9110 §5.3). AWS joins user metadata too. */
const listHeader = /^x-amz-(meta-|grant-|trailer$|object-attributes$|optional-object-attributes$)/

/** Matches a host name or an IP address, with or without a port (RFC 9112 §3.2), and the empty host of a target without an authority. */
export const hostForm = /^(?:\[[0-9A-Fa-f:.]+(?:%25[\w.~-]+)?\]|[\w.~!$&'()*+;=%-]*)(?::\d*)?$/

/** Returns a text that names the ambiguous part of a request; undefined for a request that is not ambiguous. */
export function findFramingFault({ rawHeaders, url = '' }: IncomingMessage): string | undefined {
  const seen = new Set<string>()
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] ?? '').toLowerCase()
    if (!singleValueHeaders.has(name) && !isSingleByPrefix(name)) continue
    if (seen.has(name)) return `the header ${name} is there twice`
    seen.add(name)
    if (name === 'host' && !hostForm.test(rawHeaders[i + 1] ?? ''))
      return 'the header Host is not a host name with a port'
  }
  if (url.startsWith('/') || url === '*') return undefined
  const authority = readAuthority(url)
  if (authority === undefined || authority === '' || !hostForm.test(authority))
    return 'the target is neither a path nor an http address'
  return undefined
}

function isSingleByPrefix(name: string): boolean {
  if (!name.startsWith('x-')) return false
  return (name.startsWith('amz-', 2) && !listHeader.test(name)) || name.startsWith('minio-', 2)
}

/** Returns the host and port of a request target in absolute form, which proxies send; undefined for any other target. */
export function readAuthority(target: string): string | undefined {
  return /^https?:\/\/([^/?#]*)/i.exec(target)?.[1]
}
