/** A real OPA with the quickstart's rule in current Rego. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { waitUntilAnswering } from './free-port.ts'
import { cachedPath } from './stack.ts'

/** The guide's seed: allows a put by a client that is not the owner. */
export const seedRule = `package httpapi.authz

default allow := false

allow if {
  input.action == "s3:PutObject"
  not input.owner
}
`

/** The same rule in the syntax of the guide's year. */
export const seedRuleOf2018 = `package httpapi.authz

import input as http_api

default allow = false

allow = true {
  http_api.action = "s3:PutObject"
  http_api.owner = false
}
`

/** Returns Rego on Keycloak's roles, which are an object in its tokens, and on a string claim among the conditions. */
export function writeRoleRule(role: string): string {
  return `package httpapi.authz

default allow := false

allow if {
  "${role}" in input.claims.realm_access.roles
  input.conditions.azp == [input.claims.azp]
}
`
}

/** OPA's own authorization: allows requests that have the token. */
export const tokenRule = `package system.authz

default allow := false

allow if input.identity == "of-the-operator"
`

export interface Opa {
  stop(): Promise<void>
}

/** Starts OPA on a port; the document to query is `/v1/data/httpapi/authz`. */
export async function startOpa(
  port: number,
  { rules = [seedRule], flags = [] }: { rules?: string[]; flags?: string[] } = {},
): Promise<Opa> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sts-cli-opa-'))
  const files = rules.map((_rule, index) => path.join(folder, `${index}.rego`))
  for (const [index, file] of files.entries()) await writeFile(file, rules[index] ?? '')
  const address = `127.0.0.1:${port}`
  const argv = ['run', '--server', '--addr', address, '--skip-version-check', ...flags, ...files]
  const child = spawn(cachedPath('bin', 'opa'), argv, { env: { HOME: folder }, stdio: 'ignore' })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  await waitUntilAnswering(`http://${address}/health`, ended)
  return {
    async stop() {
      child.kill('SIGKILL')
      await ended
      await rm(folder, { recursive: true, force: true })
    },
  }
}
