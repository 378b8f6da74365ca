import { setImmediate as nextTurn } from 'node:timers/promises'

/**
 * Makes what a long loop awaits at each step: on every `stepsPerTurn`th step the event loop gets a turn, so that other requests and the
 * health check are answered meanwhile; awaiting anything that is ready already lets nobody in.
 *
 * @param stepsPerTurn Steps without a turn: some milliseconds of work at most.
 * @param yieldTurn Resolves when others had their turn.
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
