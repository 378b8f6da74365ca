/**
 * `npm run bench`: what we say about speed, as ratios to a floor measured in the same run; `costs` in processor time.
 *
 * node bench/run.mjs [--smoke] [NAME…]   --smoke: one short round of each, to see that the benches still run
 */
import { benchCommands } from './bench-commands.mjs'
import { benchCosts } from './bench-costs.mjs'
import { benchEtcd } from './bench-etcd.mjs'
import { benchGateway } from './bench-gateway.mjs'
import { benchLogin } from './bench-login.mjs'
import { benchOpa } from './bench-opa.mjs'
import { benchParallel } from './bench-parallel.mjs'
import { benchS3 } from './bench-s3.mjs'
import { benchServe } from './bench-serve.mjs'
import { benchSts } from './bench-sts.mjs'

const benches = {
  commands: benchCommands,
  login: benchLogin,
  parallel: benchParallel,
  sts: benchSts,
  s3: benchS3,
  gateway: benchGateway,
  opa: benchOpa,
  etcd: benchEtcd,
  serve: benchServe,
  costs: benchCosts,
}
const isSmoke = process.argv.includes('--smoke')
const named = process.argv.slice(2).filter((word) => !word.startsWith('-'))

for (const name of named) {
  if (!Object.hasOwn(benches, name)) {
    process.stderr.write(
      `error: no bench named ${name}; there are ${Object.keys(benches).join(', ')}\n`,
    )
    process.exit(64)
  }
}

for (const [name, run] of Object.entries(benches)) {
  if (named.length > 0 && !named.includes(name)) continue
  for (const row of await run({ isSmoke })) {
    const said =
      row.unit === undefined
        ? `${row.ratio.toFixed(2).padStart(6)} × ${row.floor}`
        : `${formatValue(row.value).padStart(6)} ${row.unit}, at worst ${formatValue(row.worst)}`
    process.stdout.write(`${row.what.padEnd(66)} ${said}  (aim ${row.aim})\n`)
  }
}

/** Fewer digits where they say nothing. */
function formatValue(value) {
  return value.toFixed(value < 10 ? 2 : 1)
}
