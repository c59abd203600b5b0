import type { Clock, ObjectBackend } from "@ckpt/core"
import { intercept } from "../../harness/faults.js"

/** A writer's clock that is wrong by so much. */
export function skewedClock(ms: number): Clock {
  return { now: () => Date.now() + ms, monotonic: () => performance.now(), sleep: async () => {} }
}

/** A storage whose clock went on by so much (or back) since its objects were written. */
export function later(ms: number): (backend: ObjectBackend) => ObjectBackend {
  return (backend) =>
    intercept(backend, {
      around: async ({ call }, proceed) =>
        call === "now" ? new Date(((await proceed()) as Date).getTime() + ms) : proceed(),
    })
}
