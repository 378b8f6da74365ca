/**
 * `npm run build`: src → dist, the command as split CommonJS chunks (it starts fastest), the library as ES modules with types.
 * Built beside the old one and swapped in whole, so that a failed or interrupted build leaves what worked.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, renameSync, rmSync } from 'node:fs'
import path from 'node:path'
import { rolldown } from 'rolldown'

const root = path.join(import.meta.dirname, '..')
const target = path.join(root, 'dist')
const staging = path.join(root, `dist.${process.pid}.tmp`)

/** Loaded by the server alone: required where they are installed, which keeps the package small and their licences theirs. */
const external = ['ldapts', 'oidc-provider', 'pino', 'prom-client', 'selfsigned', 'undici']

/** What `env` and `creds` need when the credentials are warm: one file, because each further one costs a hundredth of Node's own start. */
const warmModules = new RegExp(
  `/src/(main|base/(errors|duration|private-file|process-io)|client/(credential-cache|shells|formats/(index|environment))|protocol/go-json|commands/(env|creds|credential-process|remembered|settings|print-credentials|parse-argv|run-command|option-table|option-spec|serve-options))\\.ts$`,
)

try {
  await buildCommand()
  if (process.argv[2] !== 'cli') buildLibrary()
  rmSync(target, { recursive: true, force: true })
  renameSync(staging, target)
} finally {
  if (existsSync(staging)) rmSync(staging, { recursive: true, force: true })
}

async function buildCommand() {
  const bundle = await rolldown({
    input: { 'run-process': path.join(root, 'src/run-process.ts') },
    platform: 'node',
    external,
    logLevel: 'warn',
  })
  await bundle.write({
    dir: path.join(staging, 'cli'),
    format: 'cjs',
    entryFileNames: '[name].cjs',
    chunkFileNames: '[name]-[hash].cjs',
    codeSplitting: { groups: [{ name: 'warm', test: warmModules }] },
    minify: { compress: true, mangle: { toplevel: true }, codegen: { removeWhitespace: true } },
    comments: { legal: true },
  })
  await bundle.close()
}

function buildLibrary() {
  const compiler = path.join(root, 'node_modules/typescript/bin/tsc')
  const argv = [
    compiler,
    '-p',
    path.join(root, '.config/tsconfig.lib.json'),
    '--outDir',
    path.join(staging, 'lib'),
  ]
  execFileSync(process.execPath, argv, { stdio: 'inherit' })
}
