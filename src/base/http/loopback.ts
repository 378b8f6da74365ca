/** Returns true for a URL at `localhost`, `*.localhost`, 127.0.0.0/8 or `::1`, which never leaves this machine. */
export function isLoopback(url: string): boolean {
  return URL.canParse(url) && isLoopbackHost(new URL(url).hostname)
}

/** Returns the same for a host only; an IPv6 address with or without its brackets. */
export function isLoopbackHost(host: string): boolean {
  return /^(.*\.)?localhost$|^127\.\d+\.\d+\.\d+$|^\[::1\]$|^::1$/.test(host)
}
