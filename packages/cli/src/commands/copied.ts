import type { CopyProgress, CopyReport, CopySkipped, StoreEvent } from "@ckpt/core"
import { bytesText, durationText } from "../output/amounts.js"
import { exit } from "../output/exit.js"
import type { Advance } from "../output/progress.js"
import { clean, counted } from "../output/text.js"
import type { Context } from "./context.js"

/** The checkpoints of a copy that are there as a whole, each told once. */
export class Arrivals {
  readonly #context: Context
  readonly #asJson: boolean
  readonly #seen = new Set<number>()
  #writing: Promise<void> = Promise.resolve()

  constructor(context: Context, asJson: boolean) {
    this.#context = context
    this.#asJson = asJson
  }

  get count(): number {
    return this.#seen.size
  }

  /** To be given the events of the store that gets the checkpoints. */
  readonly onEvent = (event: StoreEvent): void => {
    // While following, one that changed is looked at again.
    if (event.type !== "saved" || this.#seen.has(event.id)) return
    this.#seen.add(event.id)
    const { id, outcome, stateSize: bytes } = event
    const { terminal } = this.#context
    this.#writing = this.#writing.then(() => {
      if (this.#asJson) return terminal.json("copied", { id, outcome, bytes })
      return terminal.print(`${id}  ${outcome === "existed" ? "there already" : copiedText(outcome, bytes)}`)
    })
    this.#writing.catch(() => {})
  }

  /** To be called with what is passed over. */
  readonly onSkipped = (skipped: CopySkipped): void => {
    const { terminal } = this.#context
    if (this.#asJson) this.#writing = this.#writing.then(() => terminal.json("skipped", passedOver(skipped)))
    else terminal.note(`ckpt: ${skippedText(skipped)}`)
    this.#writing.catch(() => {})
  }

  /** Resolves once all of them are written, or nobody reads any more. */
  async written(): Promise<void> {
    await this.#writing.catch(() => {})
  }
}

/** Adds up the bytes of a copy, which core tells checkpoint by checkpoint. */
export class CopiedBytes {
  readonly #written = new Map<number, number>()
  #bytes = 0

  /** How far the copy has come. */
  after({ id, done, total, bytesDone, bytesTotal }: CopyProgress): Advance {
    this.#bytes += bytesDone - (this.#written.get(id) ?? 0)
    this.#written.set(id, bytesDone)
    const part = bytesTotal > bytesDone ? bytesDone / bytesTotal : 0
    return { done: Math.min(total, done + part), total, bytes: this.#bytes }
  }
}

/** What is inline is not in `state.bin`. */
function copiedText(outcome: "created" | "replaced", bytes: number): string {
  const how = outcome === "replaced" ? "was damaged, copied anew" : "copied"
  return bytes === 0 ? how : `${how}, ${bytesText(bytes)}`
}

function passedOver({ id, pin, error: { code, message } }: CopySkipped) {
  return { id, pin, code, message }
}

export function skippedText({ id, pin, error }: CopySkipped): string {
  const what = pin === undefined ? `${id} was not copied` : `the pin ${clean(pin)} of ${id} was not made`
  return `${what}: ${clean(error.message)}`
}

/**
 * Tells what was copied. What could not be copied makes the command fail.
 *
 * @param options.withIds also which they are, where nothing told each of them before
 */
export async function tellCopied(
  { terminal, finish }: Context,
  { copied, existed, replaced, skipped }: CopyReport,
  { json, withIds = false, elapsedMs }: { json: true | undefined; withIds?: boolean; elapsedMs: number },
): Promise<void> {
  const passed = skipped.map(passedOver)
  if (json) await terminal.json("copy-summary", { copied, existed, replaced, skipped: passed, elapsedMs })
  else {
    const which = (ids: readonly number[]) => (withIds && ids.length > 0 ? ` (${someOf(ids)})` : "")
    const words = [
      `${counted(copied.length, "checkpoint")} copied${which(copied)}`,
      `${existed.length} there already${which(existed)}`,
    ]
    if (replaced.length > 0) words.push(`${replaced.length} copied anew${which(replaced)}`)
    const missing = passed.filter(({ pin }) => pin === undefined).length
    if (missing > 0) words.push(`${missing} NOT copied`)
    if (passed.length > missing) words.push(`${counted(passed.length - missing, "pin")} NOT made`)
    terminal.note(`${words.join(", ")}, in ${durationText(elapsedMs)}`)
  }
  if (passed.length > 0) finish(exit.refused)
}

const shownIds = 20

function someOf(ids: readonly number[]): string {
  return `${ids.slice(0, shownIds).join(", ")}${ids.length > shownIds ? ", …" : ""}`
}
