/** The process of `test/interop/up`, which runs the parts of the guide until `down` stops it. @param argv[2] The file for the instructions, written when all parts answer. */
import { renameSync, writeFileSync } from 'node:fs'
import { startEtcd } from './etcd.ts'
import { findFreePort } from './free-port.ts'
import { startKeycloak } from './keycloak.ts'
import { startOpa } from './opa.ts'
import { startStack } from './stack.ts'

const started: { stop(): Promise<void> }[] = []
let isStopping = false

/** Remembers a part so that it is stopped at the end; one that starts during the stop is stopped too. */
async function keep<T extends { stop(): Promise<void> }>(starting: Promise<T>): Promise<T> {
  const part = await starting
  started.push(part)
  if (isStopping) await stopAll()
  return part
}

async function stopAll(): Promise<never> {
  isStopping = true
  for (let part = started.pop(); part !== undefined; part = started.pop()) await part.stop()
  process.exit()
}

async function startAll(readyFile: string): Promise<void> {
  const opaPort = await findFreePort(8181)
  const opa = `http://127.0.0.1:${opaPort}/v1/data/httpapi/authz`
  const [keycloak, etcd] = await Promise.all([
    keep(startKeycloak(await findFreePort(8080))),
    keep(startEtcd(1)),
    keep(startOpa(opaPort)),
  ])
  const address = `127.0.0.1:${await findFreePort(9000)}`
  const flags = ['--address', address, '--bucket', 'my-bucketname']
  const { sts } = await keep(
    startStack(flags, {
      MINIO_ROOT_USER: 'minio',
      MINIO_ROOT_PASSWORD: 'minio123',
      MINIO_IDENTITY_OPENID_CONFIG_URL: `${keycloak.issuer}/.well-known/openid-configuration`,
      MINIO_IDENTITY_OPENID_CLIENT_ID: keycloak.clientId,
      MINIO_IAM_OPA_URL: opa,
      MINIO_ETCD_ENDPOINTS: etcd.endpoints,
    }),
  )
  const { user } = keycloak
  const text = `Keycloak       ${keycloak.origin} (admin, admin), realm ${keycloak.issuer}
OPA            ${opa}: put, and nothing else, unless root
etcd           ${etcd.endpoints}
sts-cli serve  ${sts} (minio, minio123)

a program, with its secret:
  export STS_CLI_ISSUER=${keycloak.issuer} STS_CLI_STS_ENDPOINT=${sts}
  export STS_CLI_CLIENT_ID=${keycloak.clientId} STS_CLI_CLIENT_SECRET=${keycloak.clientSecret}
  sts-cli login
  eval $(sts-cli env)
  echo 'Hello, World' | aws s3 cp - s3://my-bucketname/my-objectname

a person, ${user.name} with ${user.password}:
  sts-cli login --issuer ${keycloak.issuer} -sts-ep ${sts} -cid ${keycloak.peopleClientId} --auth-method none --grant browser

stop all of it:
  test/interop/down
`
  // Written atomically, since `up` waits for the file.
  writeFileSync(`${readyFile}.tmp`, text)
  renameSync(`${readyFile}.tmp`, readyFile)
}

process.once('SIGTERM', () => void stopAll())
try {
  await startAll(process.argv[2] ?? '')
} catch (error) {
  console.error(error)
  process.exitCode = 1
  await stopAll()
}
// The parts run by themselves; this process waits for a signal.
setInterval(() => {}, 60_000)
