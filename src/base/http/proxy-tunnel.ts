import { isLoopbackHost } from './loopback.ts'

type Env = Readonly<Record<string, string | undefined>>

/**
 * Returns the proxy for a URL, as curl and Go's `ProxyFromEnvironment` read the variables: `HTTPS_PROXY` or `HTTP_PROXY` by the URL's scheme,
 * in upper or lower case, except hosts in `NO_PROXY`. Loopback addresses never use a proxy, as in Go.
 */
export function findProxy(url: URL, env: Env): string | undefined {
  if (isLoopbackHost(url.hostname)) return undefined
  const name = url.protocol === 'https:' ? 'https_proxy' : 'http_proxy'
  // A CGI server sets HTTP_PROXY from a request's Proxy header (httpoxy); a command line has no such caller.
  const proxy = readEither(env, name) ?? readEither(env, 'all_proxy')
  if (proxy === undefined || isExempt(url, readEither(env, 'no_proxy') ?? '')) return undefined
  // `proxy:3128`, as curl and Go accept it.
  return proxy.includes('://') ? proxy : `http://${proxy}`
}

function readEither(env: Env, name: string): string | undefined {
  return [env[name], env[name.toUpperCase()]].find((text) => text !== undefined && text !== '')
}

/** Matches `*`, `example.com` (and its subdomains) and `.example.com` (only subdomains), each with an optional port. */
function isExempt(url: URL, list: string): boolean {
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port
  return list.split(/[\s,]+/).some((entry) => {
    if (entry === '') return false
    if (entry === '*') return true
    const [, host = '', entryPort] = /^(.*?)(?::(\d+))?$/.exec(entry.toLowerCase()) ?? []
    if (entryPort !== undefined && entryPort !== port) return false
    const suffix = host.replace(/^\*?\./, '.')
    return suffix.startsWith('.')
      ? url.hostname.endsWith(suffix)
      : url.hostname === suffix || url.hostname.endsWith(`.${suffix}`)
  })
}
