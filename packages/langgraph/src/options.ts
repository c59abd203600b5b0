import type { ObjectBackend, ObjectsOptions, StoreEvent } from "@ckpt/core"
import { aFunction, anything, group, type ShapeOf, wholeNumber, withMethods } from "@ckpt/core/adapter"
import type { BaseCheckpointSaver } from "@langchain/langgraph-checkpoint"
import { type PruneThreadOptions, pruneShape } from "./rules.js"

/** What a {@link CkptSaver} tells its listener, `onEvent`. */
export type CkptSaverEvent =
  | Extract<StoreEvent, { type: "retry" }>
  | {
      /** A checkpoint does not verify, and was passed over: `getTuple` without an id goes on to the next older, `list` leaves it out. */
      type: "damaged"
      /** The thread, if the call named one. */
      threadId: string | undefined
      /** The checkpoint. */
      checkpointId: string
      /** The key of the checkpoint's object, without the prefix. */
      key: string
      /** Why it does not verify: a `CheckpointError` with the code `CKPT_CORRUPT`. Its `key` names the damaged object. */
      error: unknown
    }
  | {
      /** A prune of `retain` failed. No `put` has failed by it, and a later one tries again. */
      type: "retention-failed"
      /** The thread. */
      threadId: string
      /** Why: what `pruneThread` rejects with. */
      error: unknown
    }

/** The options of a {@link CkptSaver}. */
export interface CkptSaverOptions extends Omit<ObjectsOptions, "onEvent"> {
  /** The storage. Its maker closes it, unless `ownsBackend` is true. */
  backend: ObjectBackend
  /** How values become bytes, and values again. Default: LangGraph's own serializer. */
  serde?: BaseCheckpointSaver["serde"] | undefined
  /**
   * Channel values of up to so many bytes lie in the checkpoint's own object, and larger ones in pieces that checkpoints share; the last
   * piece of a value lies in the checkpoint's own object too, if it fits. Default 16,384; up to 1 MiB.
   */
  inlineBytes?: number | undefined
  /**
   * Which checkpoints of a thread stay, by the rules of `pruneThread`. Default: all. A process prunes a thread in the background: within
   * the first 50 checkpoints that it puts into the thread (or `last`, if that is more), and from then on after as many as the last prune
   * left, but at least 50. No `put` waits for a prune, or fails by it; `close` waits for it. The rules are read at each prune, so ids may
   * be added to `keep`.
   */
  retain?: PruneThreadOptions | undefined
  /** Called with each event. Its errors are ignored. */
  onEvent?: ((event: CkptSaverEvent) => void) | undefined
}

/** The kinds of {@link CkptSaverOptions}. */
export const saverShape: ShapeOf<CkptSaverOptions> = {
  fields: {
    // `openObjects` checks them.
    backend: anything,
    prefix: anything,
    readOnly: anything,
    retry: anything,
    timeoutMs: anything,
    clock: anything,
    random: anything,
    ownsBackend: anything,
    serde: withMethods(["dumpsTyped", "loadsTyped"], "an object with dumpsTyped() and loadsTyped()"),
    inlineBytes: wholeNumber(0, 1024 * 1024),
    retain: group(pruneShape),
    onEvent: aFunction,
  },
  example: "an object such as { backend }, or what fromUrl(url) resolves to",
}
