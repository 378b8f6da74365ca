import { mkdir, open, readFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { lifetimeSeconds, openWorkplace, runSeconds, type Workplace } from './client-steps.ts'

let workplace: Workplace
beforeAll(async () => {
  workplace = await openWorkplace()
  const argv = ['bash', '-c', 'mkdir source; cp small big source']
  await workplace.run(argv, workplace.env)
})
afterAll(() => workplace.stop())

/** Runs a script as the users of a client type it. Any failure of a command ends it. */
async function runScript(
  script: string,
  bucket: string,
  env: Readonly<Record<string, string>>,
  start: readonly string[] = [],
): Promise<string> {
  const settings = {
    BUCKET: bucket,
    RESTIC_PASSWORD: 'of the test',
    RESTIC_REPOSITORY: `s3:${workplace.stack.sts}/${bucket}`,
    // It waits 30 seconds before it repeats a request, unless it is told otherwise.
    DUPLICITY: `--no-encryption --backend-retry-delay 2 --s3-endpoint-url ${workplace.stack.sts}`,
  }
  const argv = [...start, 'bash', '-c', `set -euo pipefail\n${script}`]
  return workplace.run(argv, { ...env, ...settings })
}

async function runRenewed(script: string, bucket: string): Promise<string> {
  const { AWS_CONFIG_FILE: _, ...env } = workplace.renewingEnv
  const server = ['sts-cli', 'exec', '--server', '--duration', String(lifetimeSeconds), '--']
  return runScript(script, bucket, env, server)
}

describe('restic', () => {
  it('restic backs up 30 MiB, lists, restores and deletes', async () => {
    const bucket = await workplace.makeBucket('restic-once')
    const script = `
      restic -q init
      restic -q backup --pack-size 64 source
      restic snapshots | grep -F source
      restic -q restore latest --target restic-back
      cmp "$(find restic-back -name big)" big
      restic -q forget --keep-last 1 --prune latest
      restic -q backup small && restic -q forget --prune --keep-last 1 --group-by ''
      restic -q check
      restic snapshots | tail -1`
    expect(await runScript(script, bucket, workplace.env)).toContain('1 snapshots')
  })

  it.concurrent('restic works on with credentials that exec --server renews', async () => {
    const bucket = await workplace.makeBucket('restic-renewed')
    // At this speed the upload takes longer than two lifetimes.
    const speed = Math.floor((30 * 1024) / runSeconds)
    const script = `
      restic -q init
      restic -q backup --limit-upload ${speed} --pack-size 4 source
      restic -q restore latest --target restic-renewed
      cmp "$(find restic-renewed -name big)" big && echo same`
    expect(await runRenewed(script, bucket)).toMatch(/same$/)
  })
})

describe('duplicity', () => {
  it('duplicity backs up 30 MiB in parts, lists, restores and deletes', async () => {
    const bucket = await workplace.makeBucket('duplicity-once')
    const script = `
      to=boto3+s3://$BUCKET/backup
      duplicity $DUPLICITY --volsize 100 source $to
      duplicity $DUPLICITY list-current-files $to | grep -w big
      duplicity $DUPLICITY restore $to duplicity-back
      cmp duplicity-back/big big
      aws s3api list-objects-v2 --bucket $BUCKET --query 'Contents[?Size>\`30000000\`].ETag' --output text
      duplicity $DUPLICITY full --volsize 100 source/small $to --allow-source-mismatch
      duplicity $DUPLICITY remove-all-but-n-full 1 --force $to
      duplicity $DUPLICITY list-current-files $to | grep -wc big || true`
    const lines = (await runScript(script, bucket, workplace.env)).trim().split('\n')
    expect(lines.some((line) => /^"\w+-[1-9]\d*"$/.test(line))).toBe(true)
    expect(lines.at(-1)).toBe('0')
  })

  it.concurrent('duplicity works on with credentials that exec --server renews', async () => {
    const bucket = await workplace.makeBucket('duplicity-renewed')
    // The process stands still for two lifetimes between two of its volumes.
    const script = `
      to=boto3+s3://$BUCKET/backup
      duplicity $DUPLICITY --volsize 1 source $to &
      # A pipe into grep would fail where grep ends before the list does. kill ends the loop when duplicity is gone.
      until aws s3 ls s3://$BUCKET/backup/ > listed && grep -qF .vol2. listed; do kill -0 $!; sleep 0.2; done
      kill -STOP $!
      sleep ${runSeconds}
      kill -CONT $!
      wait $!
      duplicity $DUPLICITY restore $to duplicity-renewed
      cmp duplicity-renewed/big big && echo same`
    expect(await runRenewed(script, bucket)).toMatch(/same$/)
  }, 300_000)
})

/** Returns whether a file system can be mounted here: the device opens, which a container may forbid, and this process may mount. */
async function canMount(): Promise<boolean> {
  try {
    await (await open('/dev/fuse', 'r+')).close()
    const [, capabilities = '0'] =
      /^CapEff:\s*([0-9a-f]+)$/m.exec(await readFile('/proc/self/status', 'utf8')) ?? []
    return ((BigInt(`0x${capabilities}`) >> sysAdmin) & 1n) === 1n
  } catch {
    return false
  }
}
/** The number of the capability to mount (capabilities(7)). */
const sysAdmin = 21n
const hasFuse = await canMount()

describe('s3fs-fuse', () => {
  it.skipIf(!hasFuse)(
    `s3fs writes 30 MiB in parts, reads, lists, renames and deletes${hasFuse ? '' : ': skipped, as nothing can be mounted here'}`,
    async () => {
      const bucket = await workplace.makeBucket('s3fs-once')
      await mkdir(path.join(workplace.folder, 'mounted'))
      const script = `
        export AWSSESSIONTOKEN=$AWS_SESSION_TOKEN
        s3fs $BUCKET mounted -o url=$AWS_ENDPOINT_URL_S3,use_path_request_style,use_session_token,use_cache=
        trap 'fusermount -u mounted' EXIT
        mkdir -p mounted/kept 'mounted/some folder'
        cp small 'mounted/some folder/small+ü'
        cp big mounted/big
        cmp mounted/big big
        cmp 'mounted/some folder/small+ü' small
        mv mounted/big mounted/kept/big
        find mounted -type f | sort
        rm -r 'mounted/some folder'
        ls mounted`
      const lines = (await runScript(script, bucket, workplace.env)).split('\n')
      expect(lines).toEqual(['mounted/kept/big', 'mounted/some folder/small+ü', 'kept'])
    },
  )
})
