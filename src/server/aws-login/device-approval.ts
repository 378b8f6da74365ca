/** A device's login, as a person answers it: the device's entry is remembered from its start, and gets the answer once. */
import type { HttpReply } from '../http/http-message.ts'
import { LoginError } from './login-error.ts'
import { showPage } from './login-pages.ts'
import type { LoginServices } from './login-services.ts'
import { toJson, type Person } from './people.ts'

/** The answers; before one, the entry is `waiting`. */
export const deviceStates = { waiting: 'waiting', denied: 'denied' } as const

/** Returns where a device's entry is. @param userCode As typed: case, spaces and dashes do not count. */
export function keyOfDevice(userCode: string): { readonly kind: 'device'; readonly name: string } {
  return {
    kind: 'device',
    name: userCode
      .toUpperCase()
      .replaceAll(/[^A-Z\d]/g, '')
      .slice(0, 16),
  }
}

/** @throws {LoginError} `InvalidRequestException` if no device waits with this code. */
export async function checkDevice(userCode: string, { memory }: LoginServices): Promise<void> {
  if ((await memory.read(keyOfDevice(userCode))) === deviceStates.waiting) return
  throw new LoginError(
    'InvalidRequestException',
    'no device waits with that code: it is over, or was answered before; look at the terminal and try again',
  )
}

/** Writes a person's answer. @throws {LoginError} As `checkDevice`. */
export async function answerDevice(
  { userCode, person, isAllowed }: { userCode: string; person: Person; isAllowed: boolean },
  services: LoginServices,
): Promise<HttpReply> {
  await checkDevice(userCode, services)
  const { memory, sealer, sts } = services
  // The device asks within minutes.
  const sealed = sealer.seal('memory', toJson(person), sts.nowMs() + 10 * 60 * 1000)
  await memory.change(keyOfDevice(userCode), isAllowed ? sealed : deviceStates.denied)
  return showPage(
    isAllowed
      ? { title: 'Signed in', content: '<p>You may close this window.</p>' }
      : {
          title: 'Not signed in',
          content: '<p>The device got nothing. You may close this window.</p>',
        },
  )
}
