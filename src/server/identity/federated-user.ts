/** The sessions of GetFederationToken (AWS STS API, FederatedUser). Their ARN is in the place of a role's, where no identity provider can write. */
import { readString, type JsonObject } from '../../base/parse.ts'
import { accountId } from './account.ts'

const prefix = `arn:aws:sts::${accountId}:federated-user/`

/** Returns the ARN of a federated user. No role has one like it: theirs are of the service iam. */
export function toFederatedArn(name: string): string {
  return prefix + name
}

/** Returns the name of the federated user whose session has these claims; undefined for any other session. */
export function readFederatedUser(claims: JsonObject): string | undefined {
  const arn = readString(claims, 'roleArn')
  return arn?.startsWith(prefix) === true ? arn.slice(prefix.length) : undefined
}
