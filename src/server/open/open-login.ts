import { createLoginMemory } from '../aws-login/login-memory.ts'
import type { RunningIssuer } from '../issuer/start-issuer.ts'
import type { ServerOptions } from '../options/server-options.ts'
import { createKeyLocks } from '../s3/filesystem/key-locks.ts'
import type { StsServices } from '../sts/sts-action.ts'
import type { Closers } from './closers.ts'

export interface LoginDependencies {
  readonly sts: StsServices
  readonly issuer: RunningIssuer | undefined
  readonly closers: Closers
}

type Handler = ReturnType<typeof import('../aws-login/handle-aws-login.ts').createAwsLoginHandler>

/** Returns the handler of the login of AWS's own tools, which is loaded by its first request. */
export function openLogin(options: ServerOptions, dependencies: LoginDependencies): Handler {
  let opened: Promise<Handler> | undefined
  return async (request) => {
    opened ??= load(options, dependencies)
    return (await opened)(request)
  }
}

async function load(
  options: ServerOptions,
  { sts, issuer, closers }: LoginDependencies,
): Promise<Handler> {
  const { peers, root, nowMs } = options
  const locks = peers?.locks ?? createKeyLocks()
  const [{ createAwsLoginHandler }, { openLoginProvider }] = await Promise.all([
    import('../aws-login/handle-aws-login.ts'),
    import('./open-login-provider.ts'),
  ])
  return createAwsLoginHandler({
    sts,
    provider: openLoginProvider(options, issuer, closers),
    rootSecret: root.secretAccessKey,
    memory: peers?.loginMemory ?? createLoginMemory(nowMs),
    hold: (name, work) => locks.hold(name, work),
  })
}
