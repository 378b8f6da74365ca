import { setImmediate as nextTurn } from 'node:timers/promises'

/**
 * Returns a function for a long loop to await at each step: on every `stepsPerTurn`th step it yields to the event loop, so that other requests
 * and the health check are answered meanwhile; awaiting a settled promise would not yield.
 *
 * @param stepsPerTurn Steps without a yield: at most some milliseconds of work.
 * @param yieldTurn Resolves after the event loop ran other work.
 */
export function createTurns(
  stepsPerTurn: number,
  yieldTurn: () => Promise<unknown> = () => nextTurn(),
): () => Promise<void> {
  let steps = 0
  return async () => {
    steps += 1
    if (steps % stepsPerTurn === 0) await yieldTurn()
  }
}
