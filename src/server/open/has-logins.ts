import type { ServerOptions } from '../options/server-options.ts'

/** Returns whether people can sign in through this server by AWS's own tools. */
export function hasLogins({ identityProvider, roleProviders = [] }: ServerOptions): boolean {
  switch (identityProvider?.kind) {
    case 'embedded':
    case 'shared':
      return (identityProvider.users ?? []).length > 0
    case 'external':
      return identityProvider.configUrl !== undefined && identityProvider.clientId !== undefined
    case undefined:
      return roleProviders.length > 0
  }
}
