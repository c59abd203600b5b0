import { CheckpointError } from "../errors.js"
import { show } from "../input/show.js"

export function assertId(id: unknown, lowest: 0 | 1): asserts id is number {
  if (Number.isSafeInteger(id) && (id as number) >= lowest) return
  const message = `checkpoint id: ${show(id)} cannot be used; give a whole number from ${lowest} to 2^53 - 1.`
  throw new CheckpointError("CKPT_INVALID", message)
}

export function assertVisitor(visit: unknown): void {
  if (typeof visit === "function") return
  const message = `restore: visit is ${show(visit)}; give a function that takes a checkpoint and reads it.`
  throw new CheckpointError("CKPT_INVALID", message)
}

export function assertChange(change: unknown): void {
  if (typeof change === "function") return
  const message = `update: the change is ${show(change)}; give a function: (current) => ({ ...current, … }).`
  throw new CheckpointError("CKPT_INVALID", message)
}
