/** The system calls of commands: a client secret from a file or stdin is in no argument list and in no file except its own. */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, it } from 'vitest'
import { type Home, openHome } from '../support/e2e/harness.ts'

interface Traced {
  readonly code: number | null
  readonly stderr: string
  /** Calls that contain the secret, each a line of strace. */
  readonly callsWithSecret: readonly string[]
  /** Calls that start a program. */
  readonly starts: readonly string[]
  /** The requested modes of all created files. */
  readonly modes: readonly string[]
}

const traced = 'execve,open,openat,creat,write,writev,pwrite64,sendto,sendmsg,chmod,fchmod'

async function trace(home: Home, secret: string, command: string): Promise<Traced> {
  const file = path.join(home.folder, 'trace.txt')
  // Prints every text completely, and follows child processes.
  const strace = `strace -f -qq -s 65536 -o '${file}' -e trace=${traced} -e signal=none --`
  const { code, stderr } = await home.shell('sh', command.replace('STRACE', strace))
  const calls = (await readFile(file, 'utf8')).split('\n')
  const made = calls.filter((call) => call.includes('O_CREAT') && call.includes(home.folder))
  return {
    code,
    stderr,
    starts: calls.filter((call) => call.includes(' execve(')),
    callsWithSecret: calls.filter((call) => call.includes(secret)),
    modes: [...new Set(made.map((call) => /, (0\d+)\)/.exec(call)?.[1] ?? call))],
  }
}

async function readIssued(home: Home): Promise<string[]> {
  const file = path.join(home.folder, '.cache', 'sts-cli', 'profile-default.json')
  const { secretAccessKey, sessionToken } = JSON.parse(await readFile(file, 'utf8')) as {
    secretAccessKey: string
    sessionToken: string
  }
  return [secretAccessKey, sessionToken]
}

it('commands send a client secret from a file, a variable or stdin only to the provider', async () => {
  const home = await openHome()
  const { ready } = await home.serve()
  const secret = ready.clientSecret
  const file = path.join(home.folder, 'client-secret.txt')
  await writeFile(file, secret, { mode: 0o600 })
  const client = `-cid ${ready.clientId} --refresh`
  for (const command of [
    `STRACE sts-cli login -q -cid ${ready.clientId} --client-secret-file ${file}`,
    `STRACE sts-cli login -q -v --debug -cid ${ready.clientId} -csec - <${file}`,
    `STRACE sts-cli env --shell sh ${client} --client-secret-file ${file}`,
    `STRACE sts-cli exec ${client} --client-secret-file ${file} -- true`,
    `STRACE sts-cli exec --server ${client} --client-secret-file ${file} -- true`,
    `STRACE sts-cli creds -f process ${client} -csec - <${file}`,
    `STS_CLI_CLIENT_SECRET=$(cat ${file}) STRACE sts-cli creds -o ${home.folder}/out ${client}`,
    `STS_CLI_CLIENT_SECRET=$(cat ${file}) STRACE sts-cli exec ${client} -- true`,
    `STRACE sts-cli write --aws-profile minio ${client} --client-secret-file ${file}`,
  ]) {
    const { code, stderr, callsWithSecret, modes, starts } = await trace(home, secret, command)
    // Issued credentials are at most in the environment of a command.
    expect(starts.length).toBeGreaterThan(0)
    for (const issued of await readIssued(home)) expect(starts.join('\n')).not.toContain(issued)
    expect({ command, code, callsWithSecret }).toEqual({ command, code: 0, callsWithSecret: [] })
    expect(modes).toEqual(['0600'])
    expect(stderr).not.toContain(secret)
  }
  for (const folder of ['.cache/sts-cli', '.aws'])
    expect(await readdir(path.join(home.folder, folder))).toHaveLength(1)
})

it('config set writes a secret only into the configuration file, readable only by its owner', async () => {
  const home = await openHome()
  const secret = 'a secret that is written down'
  const set = `printf '%s' '${secret}' | STRACE sts-cli config set client-secret - -p ci`
  const { code, callsWithSecret, modes } = await trace(home, secret, set)
  expect(code).toBe(0)
  expect(modes).toEqual(['0600'])
  expect(callsWithSecret).toHaveLength(1)
  expect(callsWithSecret[0]).toMatch(/ write\(\d+, "\[profile\.ci\]/)
  expect(await readdir(path.join(home.folder, '.config', 'sts-cli'))).toEqual(['config.toml'])
})
