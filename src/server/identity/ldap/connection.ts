/** The door to ldapts: one connection to a directory, bounded in time and in bytes. */
import net, { type Socket } from 'node:net'
import tls, { type ConnectionOptions } from 'node:tls'

export interface LdapServer {
  readonly host: string
  readonly port: number
  /** `tls` from the first byte (ldaps), `starttls` before anything is said, or `none`. */
  readonly security: 'tls' | 'starttls' | 'none'
  /** False accepts any certificate (MINIO_IDENTITY_LDAP_TLS_SKIP_VERIFY). */
  readonly isCertificateChecked: boolean
  /** PEM certificates to trust besides the built-in roots. */
  readonly ca: readonly string[] | undefined
  /** For all that one login asks, connecting included. */
  readonly timeoutMs: number
}

export interface LdapSearch {
  readonly base: string
  /** RFC 4515, every value in it escaped. */
  readonly filter: string
  /** Attributes whose values are wanted; empty for none. */
  readonly attributes: readonly string[]
  /** One more is asked for, so that whoever asks can tell a part of an answer from all of it. */
  readonly maxEntries: number
}

export interface LdapEntry {
  readonly dn: string
  /** By the name under which the directory sends them, which may be spelt in another case. */
  readonly attributes: Readonly<Record<string, readonly string[]>>
}

export interface LdapConnection {
  /** @returns False where the directory refuses the name or the password. */
  bind(dn: string, password: string): Promise<boolean>
  /** @returns At most `maxEntries` and one. */
  search(search: LdapSearch): Promise<LdapEntry[]>
}

/** Names of entries are short: a directory that sends more than this is broken. */
const maxReceivedBytes = 2 * 1024 * 1024

/**
 * Result codes by which a directory says no to who binds: invalid credentials, and what a locked or expired account gets
 * (RFC 4511 §A.2). Any other says that it cannot answer.
 */
const refusedCodes = new Set([19, 32, 34, 48, 49, 50, 53])

/**
 * Connects, runs, disconnects.
 *
 * @throws {Error} The directory does not answer, not in time, too much, or not LDAP; the message holds no password.
 */
export async function withLdapConnection<T>(
  server: LdapServer,
  run: (connection: LdapConnection) => Promise<T>,
): Promise<T> {
  const { Client } = await import('ldapts')
  const sockets: Socket[] = []
  const keep = <S extends Socket>(socket: S): S => {
    sockets.push(socket.setNoDelay())
    return socket
  }
  const trust = toTlsOptions(server)
  const host = server.host.includes(':') ? `[${server.host}]` : server.host
  const client = new Client({
    url: `${server.security === 'tls' ? 'ldaps' : 'ldap'}://${host}:${server.port}`,
    ...(server.security === 'tls' ? { tlsOptions: trust } : {}),
    createConnection: ((...to: Parameters<typeof net.connect>) =>
      keep(net.connect(...to))) as typeof net.connect,
    createSecureConnection: ((...to: Parameters<typeof tls.connect>) =>
      keep(tls.connect(...to))) as typeof tls.connect,
  })
  const limit = watch(sockets, server.timeoutMs)
  try {
    const work = async (): Promise<T> => {
      if (server.security === 'starttls') await client.startTLS({ ...trust })
      return run(toConnection(client))
    }
    return await Promise.race([work(), limit.exceeded])
  } finally {
    limit.stop()
    // What is still waited for fails with the socket; nobody listens any more.
    for (const socket of sockets) socket.on('error', () => {}).destroy()
  }
}

type LdapClient = InstanceType<(typeof import('ldapts'))['Client']>

function toConnection(client: LdapClient): LdapConnection {
  return {
    async bind(dn, password) {
      try {
        await client.bind(dn, password)
        return true
      } catch (error) {
        if (refusedCodes.has(readResultCode(error))) return false
        throw error
      }
    },
    async search({ base, filter, attributes, maxEntries }) {
      const { searchEntries } = await client.search(base, {
        scope: 'sub',
        filter,
        // `1.1` asks for no attribute (RFC 4511 §4.5.1.8); an empty list would ask for all.
        attributes: attributes.length === 0 ? ['1.1'] : [...attributes],
        sizeLimit: maxEntries + 1,
      })
      return searchEntries.slice(0, maxEntries + 1).map(toEntry)
    },
  }
}

/** @param sent Attributes with one value as that, with several as a list, with bytes that are no text as a buffer. */
function toEntry({ dn, ...sent }: Readonly<Record<string, unknown>>): LdapEntry {
  const attributes = Object.entries(sent).map(([name, value]): [string, string[]] => {
    const values: unknown[] = Array.isArray(value) ? value : [value]
    return [name, values.filter((each) => typeof each === 'string')]
  })
  return { dn: typeof dn === 'string' ? dn : '', attributes: Object.fromEntries(attributes) }
}

function readResultCode(error: unknown): number {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'number' ? code : Number.NaN
}

function toTlsOptions({ host, isCertificateChecked, ca }: LdapServer): ConnectionOptions {
  return {
    host,
    ...(net.isIP(host) === 0 ? { servername: host } : {}),
    ...(ca === undefined ? {} : { ca: [...ca, ...tls.rootCertificates] }),
    rejectUnauthorized: isCertificateChecked,
  }
}

/** Rejects when the time is over or a socket has received too much. */
function watch(
  sockets: readonly Socket[],
  timeoutMs: number,
): { exceeded: Promise<never>; stop: () => void } {
  const timers: NodeJS.Timeout[] = []
  const exceeded = new Promise<never>((_resolve, reject) => {
    const giveUp = (why: string) => (): void => reject(new Error(why))
    timers.push(
      setTimeout(giveUp(`no answer within ${timeoutMs} ms`), timeoutMs),
      setInterval(() => {
        if (sockets.some(({ bytesRead }) => bytesRead > maxReceivedBytes))
          giveUp(`the answer is longer than ${maxReceivedBytes} bytes`)()
      }, 20),
    )
  })
  return { exceeded, stop: () => timers.forEach((timer) => clearTimeout(timer)) }
}
