import type { Objects } from "@ckpt/core"
import type { BaseCheckpointSaver, CheckpointTuple } from "@langchain/langgraph-checkpoint"
import type { CkptSaverEvent } from "./options.js"

/** A `RunnableConfig` of LangChain, without a dependency on it. */
export type Config = CheckpointTuple["config"]

/** What every part of a saver works with. */
export interface Context {
  readonly objects: Objects
  readonly serde: BaseCheckpointSaver["serde"]
  readonly inlineBytes: number
  /** The keys of values that this saver has written or read: probably they need not be written again. */
  readonly known: KnownKeys
  readonly tell: (event: CkptSaverEvent) => void
  readonly now: () => number
}

const mostKnown = 10_000

/** The keys that were used last. */
export class KnownKeys {
  readonly #keys = new Set<string>()

  has(key: string): boolean {
    if (!this.#keys.delete(key)) return false
    this.#keys.add(key)
    return true
  }

  add(key: string): void {
    this.#keys.delete(key)
    this.#keys.add(key)
    if (this.#keys.size > mostKnown) this.#keys.delete(this.#keys.values().next().value as string)
  }
}
