/** The adapter to oidc-provider, which implements the protocol: its types, and its modules, which are loaded only when an issuer starts. */
import type { AsyncLocalStorage } from 'node:async_hooks'
import type {
  Adapter,
  AdapterPayload,
  Configuration,
  Grant,
  KoaContextWithOIDC,
  Provider,
} from 'oidc-provider'

export type { Adapter, AdapterPayload, Configuration, Grant, KoaContextWithOIDC, Provider }
/** The module object of oidc-provider. */
export type OidcLibrary = typeof import('oidc-provider')

/** Loads oidc-provider. */
export function loadOidcLibrary(): Promise<OidcLibrary> {
  return withoutWarnings(() => import('oidc-provider'))
}

/** Loads the storage of the library's asynchronous context, which is not part of its public interface. */
export async function loadAsyncStorage(): Promise<AsyncLocalStorage<unknown>> {
  // @ts-expect-error the library's types only cover its public interface
  const { default: storage } = await import('oidc-provider/lib/helpers/als.js')
  return storage as AsyncLocalStorage<unknown>
}

/**
 * Runs `build` without the library's warnings, and returns its result. The library prints advice for operators of production providers, and
 * on Node 20 that it prefers a newer version. This provider only runs for a test or a demo, and the packages' `engines` were checked when
 * they were chosen.
 */
export async function withoutWarnings<T>(build: () => Promise<T>): Promise<T> {
  const { warn } = console
  console.warn = () => {}
  try {
    return await build()
  } finally {
    console.warn = warn
  }
}
