import { type Clock, systemClock } from "../async/clock.js"
import { Gate } from "../async/gate.js"
import { CheckpointError } from "../errors.js"
import { type Emit, safeEmitter } from "../events.js"
import { createLayout } from "../format/layout.js"
import { DEFAULT_VNODE_COUNT } from "../format/manifest/model.js"
import type { Given } from "../history/current.js"
import { History } from "../history/history.js"
import type { RetentionPolicy } from "../retention/policy.js"
import { Place } from "../storage/place.js"
import { retryPolicy } from "../storage/retry.js"
import { Storage } from "../storage/storage.js"
import { Verifier } from "../verify/verifier.js"
import type { OpenOptions } from "./api.js"

/** The parts of a store. */
export interface Parts {
  readonly clock: Clock
  readonly emit: Emit
  readonly history: History
  readonly retain: RetentionPolicy | undefined
}

/**
 * Makes the parts of a store from options that were checked. No request is made.
 *
 * @param given set for a store that `claim()` gives
 * @throws {CheckpointError} `CKPT_INVALID` if the prefix cannot be used
 */
export function assemble(options: OpenOptions, given: Given | undefined): Parts {
  const { backend, clock = systemClock, random = Math.random, layout = "objects", prefix } = options
  const vnodeCount = options.expect?.vnodeCount ?? DEFAULT_VNODE_COUNT
  const emit = safeEmitter(options.onEvent)
  const policy = retryPolicy(options.retry, options.timeoutMs)
  const storage = new Storage(backend, { policy, clock, random, emit })
  const place = new Place(storage, createLayout(layout, prefix), new Gate((what) => closed(backend.name, what)))
  const other = createLayout(layout === "objects" ? "directory" : "objects", prefix)
  const history = new History(new Verifier(place, vnodeCount), other, emit, given)
  return { clock, emit, history, retain: options.retain }
}

function closed(backend: string, what: string): CheckpointError {
  return new CheckpointError("CKPT_CLOSED", `${what}: this store is closed. Open a new one.`, { backend })
}
