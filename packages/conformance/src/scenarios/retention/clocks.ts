import type { Clock, ObjectBackend } from "@ckpt/core"
import { intercept } from "../../harness/faults.js"

/** A process's clock that is ahead by `ms`, or behind if negative. */
export function skewedClock(ms: number): Clock {
  return { now: () => Date.now() + ms, monotonic: () => performance.now(), sleep: async () => {} }
}

/** A storage whose clock is ahead by `ms`, or behind if negative, after its objects were written. */
export function later(ms: number): (backend: ObjectBackend) => ObjectBackend {
  return (backend) =>
    intercept(backend, {
      around: async ({ call }, proceed) =>
        call === "now" ? new Date(((await proceed()) as Date).getTime() + ms) : proceed(),
    })
}
