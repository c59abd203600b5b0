import { CheckpointError } from "../errors.js"

export function assertId(id: unknown, lowest: 0 | 1): asserts id is number {
  if (Number.isSafeInteger(id) && (id as number) >= lowest) return
  const shown = typeof id === "string" ? JSON.stringify(id) : String(id)
  const message = `checkpoint id ${shown} cannot be used; give a whole number from ${lowest} to 2^53 - 1.`
  throw new CheckpointError("CKPT_INVALID", message)
}

export function assertVnodeCount(count: unknown): asserts count is number {
  if (Number.isSafeInteger(count) && (count as number) >= 1 && (count as number) <= 65_535) return
  const message = `expect.vnodeCount is ${count}; give a whole number from 1 to 65535.`
  throw new CheckpointError("CKPT_INVALID", message)
}

export function assertVisitor(visit: unknown): void {
  if (typeof visit === "function") return
  throw new CheckpointError("CKPT_INVALID", "restore needs a function that takes a checkpoint and reads it.")
}
