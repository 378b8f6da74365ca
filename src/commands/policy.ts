import { StsCliError } from '../base/errors.ts'
import type { Io } from '../base/io.ts'
import { isObject, readNumber, readStrings, type JsonObject } from '../base/parse.ts'
import { toPrintable } from '../base/terminal/printable.ts'
import { askServer, findServerAccess, policyPath } from './decisions/ask-server.ts'
import { readRequestFilter } from './decisions/read-request-filter.ts'
import type { Settings } from './options/settings.ts'

/** The most unused actions that are named to people. */
const maxShown = 12

/** `policy --from-traffic`: prints the policy that allows what was allowed lately and little else; on stderr, how it was checked. */
export async function runPolicy(settings: Settings, io: Io): Promise<number> {
  if (!settings.has('from-traffic') || settings.operands.length > 0)
    throw new StsCliError('operands-invalid', 'policy makes a policy of what was allowed lately', {
      hint: 'sts-cli policy --from-traffic --since 1h',
    })
  const access = await findServerAccess(settings, io)
  const query = readRequestFilter(settings, io.nowMs())
  const traffic = await askServer(access, { path: policyPath, query }, io.nowMs())
  if (settings.has('json')) io.writeStdout(`${JSON.stringify(traffic, undefined, 2)}\n`)
  else io.writeStdout(`${JSON.stringify(traffic['policy'], undefined, 2)}\n`)
  if (!settings.has('quiet')) io.writeStderr(describe(traffic))
  return readStrings(traffic, 'failed').length === 0 ? 0 : 1
}

function describe(traffic: JsonObject): string {
  const count = (name: string): string => String(readNumber(traffic, name) ?? 0)
  const failed = readStrings(traffic, 'failed')
  const lines = [
    `from ${count('requests')} requests; ${count('checked')} decisions asked again under it, ${failed.length} requests would be denied`,
    ...failed.map((id) => `denied by it: ${toPrintable(id, 64)}`),
    ...readStrings(traffic, 'widened').map((id) => {
      return `was denied, and would be allowed: ${toPrintable(id, 64)}`
    }),
  ]
  if (count('missing') !== '0')
    lines.push(
      `${count('missing')} decisions of requests about many keys were not kept: the policy may lack them`,
    )
  const unused = isObject(traffic['unused']) ? traffic['unused'] : {}
  for (const name of Object.keys(unused)) {
    const actions = readStrings(unused, name).toSorted()
    const more = actions.length > maxShown ? ` and ${actions.length - maxShown} more (--json)` : ''
    const shown = toPrintable(actions.slice(0, maxShown).join(' '), 1000)
    if (shown !== '') lines.push(`${toPrintable(name, 100)} allows beyond it: ${shown}${more}`)
  }
  return `${lines.join('\n')}\n`
}
