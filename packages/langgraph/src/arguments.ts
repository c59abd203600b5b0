import { CheckpointError } from "@ckpt/core"
import { show } from "@ckpt/core/adapter"
import type { Config } from "./context.js"
import type { Place } from "./keys.js"

export function placeOf(call: string, { configurable = {} }: Config): Place {
  const { thread_id: threadId, checkpoint_ns: checkpointNs = "" } = configurable
  if (typeof threadId !== "string") throw missing(call, "thread_id", threadId)
  if (typeof checkpointNs !== "string") throw missing(call, "checkpoint_ns", checkpointNs)
  return { threadId, checkpointNs }
}

/** For calls that take an id in the place of a config. */
export function checkThreadId(call: string, threadId: unknown): void {
  if (typeof threadId === "string") return
  throw new CheckpointError("CKPT_INVALID", `${call}: the id of a thread is ${show(threadId)}; give a string.`)
}

export function missing(call: string, name: string, value: unknown): CheckpointError {
  const message = `${call}: ${name} is ${show(value)}; give a string: { configurable: { ${name}: "…" } }.`
  return new CheckpointError("CKPT_INVALID", message)
}
