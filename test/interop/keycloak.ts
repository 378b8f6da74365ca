/** A real Keycloak with its data in its own folder, configured by its admin API. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { findFreePort, waitUntilAnswering } from './free-port.ts'
import { cachedPath } from './stack.ts'

export interface Keycloak {
  readonly origin: string
  /** The issuer of the realm. */
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  /** A public client for people with a browser: PKCE, device logins. Its tokens also have the first client as audience. */
  readonly peopleClientId: string
  readonly user: { readonly name: string; readonly password: string }
  /** Calls the admin API below the realm. */
  admin(method: string, where: string, body?: unknown): Promise<unknown>
  stop(): Promise<void>
}

const realm = 'quickstart'
const clientId = 'PoEgXP6uVO45IsENRngDXj5Au5Ya'
const clientSecret = 'eKsw6z8CtOJVBtrOWvhRWL4TUCga'
const peopleClientId = 'people'
const user = { name: 'alice', password: 'alice-password' }

/** Starts Keycloak with a realm, a confidential client whose tokens have it as audience and a `policy` claim, a public client, and a user. */
export async function startKeycloak(atPort?: number): Promise<Keycloak> {
  const home = await mkdtemp(path.join(tmpdir(), 'sts-cli-keycloak-'))
  const port = atPort ?? (await findFreePort())
  const origin = `http://127.0.0.1:${port}`
  const listen = ['--http-enabled=true', '--http-host=127.0.0.1', `--http-port=${port}`]
  const flags = [...listen, `--hostname=${origin}`, '--cache=local']
  const database = `--db-url=jdbc:h2:file:${home}/h2;NON_KEYWORDS=VALUE`
  const argv = ['start', '--optimized', ...flags, database]
  const child = spawn(cachedPath('keycloak-server', 'bin', 'kc.sh'), argv, {
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: home,
      KC_BOOTSTRAP_ADMIN_USERNAME: 'admin',
      KC_BOOTSTRAP_ADMIN_PASSWORD: 'admin',
      JAVA_OPTS_APPEND: '-Xmx512m',
    },
    stdio: 'ignore',
    detached: true,
  })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  const stop = async (): Promise<void> => {
    // The script starts its own Java process, so the whole process group is killed.
    if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    await ended
    await rm(home, { recursive: true, force: true })
  }
  try {
    await waitUntilAnswering(`${origin}/realms/master`, ended)
    await createRealm(origin)
  } catch (error) {
    await stop()
    throw error
  }
  return {
    origin,
    issuer: `${origin}/realms/${realm}`,
    clientId,
    clientSecret,
    peopleClientId,
    user,
    admin: (method, where, body) => callAdmin(origin, { method, where: `/${realm}${where}`, body }),
    stop,
  }
}

async function createRealm(origin: string): Promise<void> {
  const claim = {
    name: 'policy',
    protocol: 'openid-connect',
    protocolMapper: 'oidc-hardcoded-claim-mapper',
    config: {
      'claim.name': 'policy',
      'claim.value': 'readwrite',
      'jsonType.label': 'String',
      'access.token.claim': 'true',
      'id.token.claim': 'true',
    },
  }
  const audience = {
    name: 'audience',
    protocol: 'openid-connect',
    protocolMapper: 'oidc-audience-mapper',
    config: {
      'included.client.audience': clientId,
      'access.token.claim': 'true',
      'id.token.claim': 'true',
    },
  }
  const client = {
    clientId,
    secret: clientSecret,
    serviceAccountsEnabled: true,
    directAccessGrantsEnabled: true,
    protocolMappers: [claim, audience],
  }
  const people = {
    clientId: peopleClientId,
    publicClient: true,
    standardFlowEnabled: true,
    // Keycloak accepts any port of 127.0.0.1 if the URI has none (RFC 8252 §7.3).
    redirectUris: ['http://127.0.0.1/callback'],
    attributes: {
      'pkce.code.challenge.method': 'S256',
      'oauth2.device.authorization.grant.enabled': 'true',
    },
    protocolMappers: [claim, audience],
  }
  const alice = {
    username: user.name,
    enabled: true,
    email: 'alice@example.com',
    firstName: 'Alice',
    lastName: 'Example',
    credentials: [{ type: 'password', value: user.password }],
  }
  const body = { realm, enabled: true, clients: [client, people], users: [alice] }
  await callAdmin(origin, { method: 'POST', where: '', body })
}

interface AdminCall {
  readonly method: string
  readonly where: string
  readonly body?: unknown
}

async function callAdmin(origin: string, { method, where, body }: AdminCall): Promise<unknown> {
  const form = {
    grant_type: 'password',
    client_id: 'admin-cli',
    username: 'admin',
    password: 'admin',
  }
  const login = await fetch(`${origin}/realms/master/protocol/openid-connect/token`, {
    method: 'POST',
    body: new URLSearchParams(form),
  })
  const { access_token: token } = (await login.json()) as { access_token: string }
  const answer = await fetch(`${origin}/admin/realms${where}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`Keycloak: ${method} ${where} answered ${answer.status} ${text}`)
  return text === '' ? undefined : JSON.parse(text)
}
