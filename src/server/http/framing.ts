/** Finds requests that two readers could read differently: a proxy in front, a signature, a policy, an upstream behind. */
import type { IncomingMessage } from 'node:http'

export interface FramingFault {
  readonly status: 400
  readonly text: string
}

/**
 * Headers that have one value. With two, some readers take the first, some the last, some both joined. All `x-amz-` headers except those of
 * `listed` are of this kind too.
 */
const single = new Set([
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
/** Headers that are lists: several lines mean the same as one (RFC 9110 §5.3). AWS joins user metadata as well. */
const listed = /^x-amz-(meta-|grant-|trailer$|object-attributes$|optional-object-attributes$)/

/** A name or an address, and a port (RFC 9112 §3.2). Empty where the target has no authority. */
const hostForm = /^(?:\[[0-9A-Fa-f:.]+(?:%25[\w.~-]+)?\]|[\w.~!$&'()*+;=%-]*)(?::\d*)?$/

/** Returns what is ambiguous about the request; undefined for a sound one. */
export function findFramingFault({
  rawHeaders,
  url = '',
}: IncomingMessage): FramingFault | undefined {
  const seen = new Set<string>()
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] ?? '').toLowerCase()
    if (!single.has(name) && !isSingleByPrefix(name)) continue
    if (seen.has(name)) return toFault(`the header ${name} is there twice`)
    seen.add(name)
    if (name === 'host' && !hostForm.test(rawHeaders[i + 1] ?? ''))
      return toFault('the header Host is not a host name with a port')
  }
  if (url.startsWith('/') || url === '*') return undefined
  const authority = readAuthority(url)
  if (authority === undefined || authority === '' || !hostForm.test(authority))
    return toFault('the target is neither a path nor an http address')
  return undefined
}

function isSingleByPrefix(name: string): boolean {
  if (!name.startsWith('x-')) return false
  return (name.startsWith('amz-', 2) && !listed.test(name)) || name.startsWith('minio-', 2)
}

/** The host and port of a target in absolute form, as proxies send it; undefined for any other. */
export function readAuthority(target: string): string | undefined {
  return /^https?:\/\/([^/?#]*)/i.exec(target)?.[1]
}

function toFault(text: string): FramingFault {
  return { status: 400, text }
}
