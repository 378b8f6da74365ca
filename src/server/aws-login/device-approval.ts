/** A device's login, as a person answers it: the device's entry is remembered from its start, and gets the answer once. */
import type { HttpReply } from '../http/http-message.ts'
import { LoginError } from './login-error.ts'
import { showPage } from './login-pages.ts'
import type { LoginServices } from './login-services.ts'
import { toJson, type Person } from './people.ts'

/** The entry of a device before it asked. After that, the number of its questions and the time of the last follow. */
export const waiting = 'waiting'
/** The entry of a device that a person did not let in. */
export const denied = 'denied'

/** The AWS CLI asks twice within 50 ms, and then every second. */
const freePolls = 2
const shortestPauseMs = 500

/**
 * Answers a device that asks before its person did.
 *
 * @throws {LoginError} `SlowDownException` if it asks again too soon (RFC 8628 §3.5), else `AuthorizationPendingException`.
 */
export async function refuseWaiting(
  key: ReturnType<typeof keyOfDevice>,
  state: string,
  { memory, sts }: LoginServices,
): Promise<never> {
  const [, polls = 0, lastMs = 0] = state.split(' ').map(Number)
  const nowMs = sts.nowMs()
  // If its person answers meanwhile, the answer stays.
  await memory.change(key, state, `${waiting} ${polls + 1} ${nowMs}`)
  if (polls >= freePolls && Math.abs(nowMs - lastMs) < shortestPauseMs)
    throw new LoginError('SlowDownException', 'the device asks too often')
  throw new LoginError('AuthorizationPendingException', 'nobody let the device in yet')
}

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

/** Returns the entry of a device. @throws {LoginError} `InvalidRequestException` if no device waits with this code. */
export async function checkDevice(userCode: string, { memory }: LoginServices): Promise<string> {
  const state = await memory.read(keyOfDevice(userCode))
  if (state?.startsWith(waiting) === true) return state
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
  const { memory, sealer, sts } = services
  // The device asks within minutes.
  const sealed = sealer.seal('memory', toJson(person), sts.nowMs() + 10 * 60 * 1000)
  const answer = isAllowed ? sealed : denied
  const key = keyOfDevice(userCode)
  // The device may ask meanwhile, which changes its entry; it asks seldom.
  while (!(await memory.change(key, await checkDevice(userCode, services), answer)));
  return showPage(
    isAllowed
      ? { title: 'Signed in', content: '<p>You may close this window.</p>' }
      : {
          title: 'Not signed in',
          content: '<p>The device got nothing. You may close this window.</p>',
        },
  )
}
