/** Work that is done at once, or in turns with everything else in the process: it pauses wherever others may have a turn. */
export type Work<T> = Generator<void, T, void>

/** Bytes that are worked on between two pauses. */
export const bytesPerTurn = 64 * 1024
const stepsPerTurn = 4096

/** Counts the steps of work, such as entries of a map, and says when a pause is due. */
export class Pace {
  #steps = 0

  add(steps: number): void {
    this.#steps += steps
  }

  /** Counts one step. */
  isDue(): boolean {
    if (++this.#steps < stepsPerTurn) return false
    this.#steps = 0
    return true
  }
}

/**
 * True if work that goes through so many bytes is done in turns. Other work is done at once, without a promise: nothing delays
 * the many small manifests.
 */
export function isLong(bytes: number): boolean {
  return bytes > bytesPerTurn
}

export function atOnce<T>(work: Work<T>): T {
  for (;;) {
    const step = work.next()
    if (step.done) return step.value
  }
}

/** The event loop goes round after each pause. */
export async function inTurns<T>(work: Work<T>, signal?: AbortSignal): Promise<T> {
  for (;;) {
    const step = work.next()
    if (step.done) return step.value
    await turn()
    signal?.throwIfAborted()
  }
}

/** Who waits for a turn. While anybody waits, one immediate is set. */
const waiting: (() => void)[] = []

/** One piece of work is done in each round of the event loop, however many there are; all in turn. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve)
    if (waiting.length === 1) setImmediate(next)
  })
}

function next(): void {
  waiting.shift()?.()
  if (waiting.length > 0) setImmediate(next)
}
