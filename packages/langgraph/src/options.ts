import type { ObjectBackend, ObjectsOptions, StoreEvent } from "@ckpt/core"
import { aFunction, type ShapeOf, wholeNumber, withMethods } from "@ckpt/core/adapter"
import type { BaseCheckpointSaver } from "@langchain/langgraph-checkpoint"

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
  /** Called with each event. Its errors are ignored. */
  onEvent?: ((event: CkptSaverEvent) => void) | undefined
}

/** The options that `openObjects` does not check. */
export const saverShape: ShapeOf<Pick<CkptSaverOptions, "serde" | "inlineBytes" | "onEvent">> = {
  fields: {
    serde: withMethods(["dumpsTyped", "loadsTyped"], "an object with dumpsTyped() and loadsTyped()"),
    inlineBytes: wholeNumber(0, 1024 * 1024),
    onEvent: aFunction,
  },
}
