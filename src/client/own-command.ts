import { quoteSh } from './formats/shells.ts'

/** What a person types next for a profile: `sts-cli login -p ci`; the profile `default` needs no naming. */
export function ownCommand(name: 'login' | 'env', profile: string): string {
  if (profile === 'default') return `sts-cli ${name}`
  return `sts-cli ${name} -p ${/^[\w.@-]+$/.test(profile) ? profile : quoteSh(profile)}`
}
