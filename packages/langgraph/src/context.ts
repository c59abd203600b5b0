import type { Objects } from "@ckpt/core"
import type { BaseCheckpointSaver, CheckpointTuple } from "@langchain/langgraph-checkpoint"
import type { KnownPieces } from "./known.js"
import type { CkptSaverEvent } from "./options.js"

/** A `RunnableConfig` of LangChain, without a dependency on it. */
export type Config = CheckpointTuple["config"]

/** What every part of a saver works with. */
export interface Context {
  readonly objects: Objects
  readonly serde: BaseCheckpointSaver["serde"]
  readonly inlineBytes: number
  readonly known: KnownPieces
  readonly tell: (event: CkptSaverEvent) => void
  readonly now: () => number
}
