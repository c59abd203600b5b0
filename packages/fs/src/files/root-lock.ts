import { Mutex, onAbort } from "@ckpt/core/adapter"
import { CallerError, throwIfAborted } from "./errors.js"
import { type RootState, registry } from "./registry.js"

/** Each writer holds up to six files open, so 24 stay well below even a limit of 256 files for the whole process. */
const maxWriters = 24

export function rootState(realPath: string): RootState {
  let state = registry.roots.get(realPath)
  if (state === undefined) {
    state = { lock: new Mutex(), writers: 0, waiting: [] }
    registry.roots.set(realPath, state)
  }
  return state
}

/** At most `maxWriters` at once per root, first come first served. */
export async function asWriter<T>(
  state: RootState,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  throwIfAborted(signal)
  if (state.writers < maxWriters) state.writers++
  else await turn(state, signal)
  try {
    return await work()
  } finally {
    // The place goes straight to the next in line. If it were counted as free, a newcomer could overtake.
    const next = state.waiting.shift()
    if (next === undefined) state.writers--
    else next()
  }
}

/**
 * Waits for a place; rejects if the signal is aborted first. A place that was handed over is kept, also if it is aborted
 * later.
 */
function turn(state: RootState, signal: AbortSignal | undefined): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    const start = () => {
      stay()
      resolve()
    }
    state.waiting.push(start)
    const stay = onAbort(signal, () => {
      state.waiting.splice(state.waiting.indexOf(start), 1)
      reject(new CallerError(signal?.reason))
    })
  })
}
