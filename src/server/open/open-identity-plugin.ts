import { createJsonClient } from '../../base/http/json-client.ts'
import { createIdentityPlugin } from '../identity/identity-plugin.ts'
import type { ServerOptions } from '../options/server-options.ts'
import type { PolicyDocument } from '../policy/policy-document.ts'
import type { PluginRole } from '../sts/sts-action.ts'
import { checkPolicyNames } from './check-policy-names.ts'
import type { Closers } from './closers.ts'
import { listPluginArns } from './role-arns.ts'

/** MinIO waits for the plugin as long (docs/wire.md §6.3). */
const pluginLimits = { timeoutMs: 5000, maxBytes: 64 * 1024 }

/** Opens the identity plugin and its role. @throws {StsCliError} `ERR_CONFIG` for a policy that does not exist. */
export function openIdentityPlugin(
  options: ServerOptions,
  policies: ReadonlyMap<string, PolicyDocument>,
  closers: Closers,
): PluginRole | undefined {
  const { identityPlugin, region, log } = options
  if (identityPlugin === undefined) return undefined
  const { url, authorization, policyNames, ca } = identityPlugin
  const arns = listPluginArns(region, identityPlugin)
  checkPolicyNames({ setting: `the role ${arns[0]}`, policyNames }, options, policies)
  const client = createJsonClient({ ...pluginLimits, authorization, ca })
  closers.push(client.close)
  const plugin = createIdentityPlugin({ url, post: client.postForAnswer, log })
  return { client: plugin, arns, policyNames }
}
