import { SharedWork } from "../async/shared-work.js"
import { BackendError } from "../errors.js"
import type { Emit } from "../events.js"
import type { OtherWriter } from "./backend.js"
import type { Place } from "./place.js"

/** Asks once, before the first change of a store, which other processes write to it, and tells of them. */
export class OtherWriters {
  readonly #place: Place
  readonly #emit: Emit
  readonly #asking = new SharedWork((signal) => this.#ask(signal))
  #isOver = false

  constructor(place: Place, emit: Emit) {
    this.#place = place
    this.#emit = emit
  }

  /**
   * @throws {BackendError} `fenced` if a second writer is to be refused; the next change asks again
   */
  async once(signal?: AbortSignal): Promise<void> {
    if (this.#isOver) return
    await this.#asking.done(signal)
  }

  async #ask(signal: AbortSignal): Promise<void> {
    const { storage, layout } = this.#place
    const { backend } = storage
    const { statePrefix: prefix } = layout
    try {
      const ask = async (s: AbortSignal) => backend.announce?.({ prefix, signal: s })
      const others =
        backend.announce === undefined ? [] : await storage.write("announce", prefix, signal, ask, () => true)
      for (const { pid, since, where } of others ?? []) {
        this.#emit({ type: "second-writer", pid, since, where })
        warn({ pid, since, where })
      }
      this.#isOver = others !== undefined
    } catch (error) {
      if (signal.aborted || !(error instanceof BackendError) || error.kind === "fenced") throw error
      // Advice only: whatever keeps this process from asking must not keep it from saving.
      this.#isOver = true
    }
  }
}

const warned = new Set<string>()

/** Many programs listen to no events, and this is the one sign before a checkpoint is lost. Once for each process and place. */
function warn({ pid, since, where }: OtherWriter): void {
  const message =
    `Process ${pid} has been writing to the checkpoints in ${where} since ${since.toISOString()}, and so does this process. ` +
    "Without a claim only one process may write, else an acknowledged checkpoint may be lost. Stop one of them, or use claim()."
  if (warned.has(message)) return
  warned.add(message)
  process.emitWarning(message, { type: "CheckpointWarning", code: "CKPT_SECOND_WRITER" })
}
