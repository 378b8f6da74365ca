/** The adapter to ldapts: one connection to a directory, with limits for time and received bytes. */
import net, { type Socket } from 'node:net'
import tls, { type ConnectionOptions } from 'node:tls'

/** The address of an LDAP server and the settings of a connection to it. */
export interface LdapServer {
  readonly host: string
  readonly port: number
  /** `tls`: TLS from the first byte (ldaps). `starttls`: TLS before the first bind. `none`: not encrypted. */
  readonly security: 'tls' | 'starttls' | 'none'
  /** False accepts any certificate (MINIO_IDENTITY_LDAP_TLS_SKIP_VERIFY). */
  readonly isCertificateChecked: boolean
  /** Extra CA certificates (PEM), trusted in addition to the built-in ones. */
  readonly ca: readonly string[] | undefined
  /** The time limit for one login: the connection and all of its requests. */
  readonly timeoutMs: number
}

/** A search of the whole subtree below a base. */
export interface LdapSearch {
  /** The distinguished name of the search base. */
  readonly base: string
  /** The search filter (RFC 4515), with every value escaped. */
  readonly filter: string
  /** The attributes to return; an empty list returns none. */
  readonly attributes: readonly string[]
  /** The limit of entries. The search returns up to one entry more, so that the caller can tell that there are more. */
  readonly maxEntries: number
}

/** An entry of the directory. */
export interface LdapEntry {
  /** The distinguished name. */
  readonly dn: string
  /** The values, by the attribute name that the directory sends; its case may differ from the requested name. */
  readonly attributes: Readonly<Record<string, readonly string[]>>
}

export interface LdapConnection {
  /** Binds and returns true; returns false when the directory rejects the name or the password. */
  bind(dn: string, password: string): Promise<boolean>
  /** Returns at most `maxEntries` + 1 entries. */
  search(search: LdapSearch): Promise<LdapEntry[]>
}

/** The limit of bytes received in one connection. Names of entries are short, so a directory that sends more is broken. */
const maxReceivedBytes = 2 * 1024 * 1024

/**
 * The result codes of a rejected bind: invalid credentials, or a locked or expired account (RFC 4511 §A.2). Any other code means that the
 * directory cannot answer.
 */
const refusedCodes = new Set([19, 32, 34, 48, 49, 50, 53])

/**
 * Connects to a directory, calls `run` with the connection, and disconnects. Returns the result of `run`.
 *
 * @throws {Error} when the directory does not answer, does not answer in time, sends too much, or does not speak LDAP. The message never
 *   contains a password.
 */
export async function withLdapConnection<T>(
  server: LdapServer,
  run: (connection: LdapConnection) => Promise<T>,
): Promise<T> {
  const { Client } = await import('ldapts')
  const sockets: Socket[] = []
  const addSocket = <S extends Socket>(socket: S): S => {
    sockets.push(socket.setNoDelay())
    return socket
  }
  const tlsOptions = toTlsOptions(server)
  const host = server.host.includes(':') ? `[${server.host}]` : server.host
  const client = new Client({
    url: `${server.security === 'tls' ? 'ldaps' : 'ldap'}://${host}:${server.port}`,
    ...(server.security === 'tls' ? { tlsOptions } : {}),
    createConnection: ((...to: Parameters<typeof net.connect>) =>
      addSocket(net.connect(...to))) as typeof net.connect,
    createSecureConnection: ((...to: Parameters<typeof tls.connect>) =>
      addSocket(tls.connect(...to))) as typeof tls.connect,
  })
  const limits = enforceLimits(sockets, server.timeoutMs)
  try {
    const work = async (): Promise<T> => {
      if (server.security === 'starttls') await client.startTLS({ ...tlsOptions })
      return run(toConnection(client))
    }
    return await Promise.race([work(), limits.exceeded])
  } finally {
    limits.stop()
    // Requests that are still running fail with the socket. Their errors are ignored, because nobody waits for them any more.
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
        // `1.1` requests no attributes (RFC 4511 §4.5.1.8); an empty list would request all of them.
        attributes: attributes.length === 0 ? ['1.1'] : [...attributes],
        sizeLimit: maxEntries + 1,
      })
      return searchEntries.slice(0, maxEntries + 1).map(toEntry)
    },
  }
}

/**
 * Converts an entry of ldapts.
 *
 * @param sent Its attributes: a single value, or a list of several. A value that is not text is a buffer; it is left out.
 */
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

/** Returns a promise that rejects when the time is over or a socket has received too much, and a function that stops the timers. */
function enforceLimits(
  sockets: readonly Socket[],
  timeoutMs: number,
): { exceeded: Promise<never>; stop: () => void } {
  const timers: NodeJS.Timeout[] = []
  const exceeded = new Promise<never>((_resolve, reject) => {
    const rejectWith = (why: string) => (): void => reject(new Error(why))
    timers.push(
      setTimeout(rejectWith(`no answer within ${timeoutMs} ms`), timeoutMs),
      setInterval(() => {
        if (sockets.some(({ bytesRead }) => bytesRead > maxReceivedBytes))
          rejectWith(`the answer is longer than ${maxReceivedBytes} bytes`)()
      }, 20),
    )
  })
  return { exceeded, stop: () => timers.forEach((timer) => clearTimeout(timer)) }
}
