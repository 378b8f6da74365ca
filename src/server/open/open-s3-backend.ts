import { StsCliError } from '../../base/errors.ts'
import type { ServerOptions } from '../options/server-options.ts'
import { openFilesystemStore } from '../s3/filesystem/open-filesystem-store.ts'
import { runPass } from '../s3/lifecycle/run-pass.ts'
import { isBucketName, reservedBuckets } from '../s3/request/names.ts'
import type { S3Backend } from '../s3/request/s3-operation.ts'
import { withPlainSizes } from '../s3/store/plain-sizes.ts'
import { createStoreBackend } from '../s3/store/store-backend.ts'
import type { Closers } from './closers.ts'
import { makeTemporaryDirectory } from './make-temporary-directory.ts'

/**
 * Opens what carries out S3 operations: a directory (locked before by `lockObjectsDirectory`), in which the buckets of the options are
 * created, or another S3.
 *
 * @throws {StsCliError} `ERR_CONFIG` for a bucket name that is not valid; otherwise as `openUpstream`.
 */
export async function openS3Backend(options: ServerOptions, closers: Closers): Promise<S3Backend> {
  const { objects, nowMs, log, root, peers } = options
  if (objects.kind === 'gateway') {
    // Loaded by a gateway alone: undici, which it calls its upstream with, takes a fifth of the start.
    const [{ createGatewayBackend }, { openUpstream }] = await Promise.all([
      import('../s3/gateway/gateway-backend.ts'),
      import('../s3/gateway/open-upstream.ts'),
    ])
    const upstream = await openUpstream({ ...objects, credentials: root, nowMs, log }, closers)
    return createGatewayBackend(upstream)
  }
  const directory = objects.directory ?? (await makeTemporaryDirectory(closers))
  const store = await openFilesystemStore(directory, {
    nowMs,
    log,
    sharedLocks: peers?.locks,
    isOnlyOne: peers === undefined,
  })
  closers.push(() => store.close())
  for (const bucket of objects.buckets) {
    checkBucketName(bucket)
    if (!(await store.hasBucket(bucket))) await store.createBucket(bucket)
  }
  const runLifecycle: S3Backend['runLifecycle'] = (pass) =>
    runPass({ ...pass, objects: withPlainSizes(store), nowMs, log })
  return { ...createStoreBackend(store, log), runLifecycle }
}

function checkBucketName(name: string): void {
  if (isBucketName(name) && !reservedBuckets.has(name)) return
  throw new StsCliError(
    'bucket-name-invalid',
    `the bucket name ${JSON.stringify(name)} is not allowed`,
    { stage: 'serve' },
  )
}
