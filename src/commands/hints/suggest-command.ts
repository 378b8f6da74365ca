import { quoteSh } from '../../client/formats/shells.ts'

/** Returns the command to type next for a profile, such as `sts-cli login -p ci`; the profile `default` needs no flag. */
export function suggestCommand(name: 'login' | 'env', profile: string): string {
  if (profile === 'default') return `sts-cli ${name}`
  return `sts-cli ${name} -p ${/^[\w.@-]+$/.test(profile) ? profile : quoteSh(profile)}`
}
