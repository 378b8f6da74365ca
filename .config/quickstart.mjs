/**
 * `npm run quickstart`: the guide of 2018 from nothing. Starts `sts-cli serve` on free ports, logs in with the real command, puts an object and
 * reads it back, shows what a policy denies and why, and stops.
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { build, install } from './prepare.mjs'

install()
build()

const bin = path.join(import.meta.dirname, '..', 'bin', 'sts-cli.cjs')
const home = mkdtempSync(path.join(tmpdir(), 'sts-cli-quickstart-'))
const env = makeEnvironment(home)
// The SDK is here to show that it works, not to advise on Node's version.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true'

try {
  await showQuickstart()
} catch (error) {
  process.exitCode = 1
  console.error(`error: ${error.message}`)
} finally {
  rmSync(home, { recursive: true, force: true })
}

async function showQuickstart() {
  say('sts-cli serve --bucket my-bucketname')
  const server = await startServer()
  try {
    const credentials = logIn()
    await putAndGet(credentials, server.sts)
    await showDenial(server.sts)
  } finally {
    await server.stop()
  }
  say('stopped; nothing is left behind')
}

function logIn() {
  say('sts-cli login')
  process.stdout.write(run(['login']))
  return run(['creds', '-f', 'json'])
}

async function putAndGet(credentialsJson, endpoint) {
  const s3 = await openS3(credentialsJson, endpoint)
  const target = { Bucket: 'my-bucketname', Key: 'my-objectname' }
  await s3.put({ ...target, Body: 'Hello, World' })
  say('put my-bucketname/my-objectname')
  const text = await s3.get(target)
  if (text !== 'Hello, World') throw new Error(`read back ${JSON.stringify(text)}`)
  say(`got  my-bucketname/my-objectname: ${text}`)
}

async function showDenial(endpoint) {
  const policy = {
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::my-bucketname/*' },
    ],
  }
  say("sts-cli login --policy '… s3:GetObject alone …'")
  const credentials = run([
    'login',
    '-f',
    'json',
    '--cache',
    'none',
    '--policy',
    JSON.stringify(policy),
  ])
  const s3 = await openS3(credentials, endpoint)
  try {
    await s3.put({ Bucket: 'my-bucketname', Key: 'my-objectname', Body: 'overwritten' })
  } catch (error) {
    if (error.name !== 'AccessDenied') throw error
    say(`put was denied, as it should be: ${error.name}: ${error.Reason ?? error.message}`)
    return
  }
  throw new Error('the session policy did not keep the object from being overwritten')
}

/** AWS's own SDK, with its defaults. */
async function openS3(credentialsJson, endpoint) {
  const { GetObjectCommand, PutObjectCommand, S3Client } = await import('@aws-sdk/client-s3')
  const { accessKeyId, secretAccessKey, sessionToken } = JSON.parse(credentialsJson)
  const credentials = { accessKeyId, secretAccessKey, sessionToken }
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials })
  return {
    put: (input) => client.send(new PutObjectCommand(input)),
    get: async (input) => (await client.send(new GetObjectCommand(input))).Body.transformToString(),
  }
}

async function startServer() {
  const addresses = ['--address', '127.0.0.1:0', '--idp-address', '127.0.0.1:0']
  const readyFile = path.join(home, 'ready.json')
  const argv = [
    bin,
    'serve',
    '--json',
    '--bucket',
    'my-bucketname',
    '--ready-file',
    readyFile,
    ...addresses,
  ]
  const child = spawn(process.execPath, argv, { env, stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  await new Promise((resolve, reject) => {
    child.stdout.once('data', resolve)
    ended.then((code) => reject(new Error(`serve ended with ${code}`)))
  })
  const { sts, idp } = JSON.parse(readFileSync(readyFile, 'utf8'))
  say(`STS and S3 at ${sts}, identity provider at ${idp}`)
  return {
    sts,
    async stop() {
      child.kill('SIGTERM')
      const code = await ended
      if (code !== 0) throw new Error(`serve ended with ${code}`)
    },
  }
}

function run(argv) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...argv], {
    env,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`sts-cli ${argv[0]} ended with ${status}: ${stderr}`)
  return stdout
}

/** A home of its own: what the user has remembered stays as it is, and none of their settings decides what is shown. */
function makeEnvironment(folder) {
  const own = Object.entries(process.env).filter(
    ([name]) => !/^(AWS_|STS_CLI_|MINIO_|XDG_)/.test(name),
  )
  return { ...Object.fromEntries(own), HOME: folder, LOCALAPPDATA: folder }
}

function say(text) {
  console.error(`» ${text}`)
}
