import { createCipheriv, createHash } from "node:crypto"
import { createManifest } from "@ckpt/fs"

export const operatorName = "window"

export function stateOf(id, writer = "") {
  const key = createHash("sha256").update(`${writer} ${id}`).digest()
  const size = id % 11 === 0 ? 0 : (id * 7919) % (id % 5 === 0 ? 400_000 : 30_000)
  return createCipheriv("aes-256-ctr", key, Buffer.alloc(16)).update(Buffer.alloc(size))
}

export function hasOperators(id) {
  return id % 4 === 3
}

export function contentsOf(id, writer) {
  const state = stateOf(id, writer)
  // Small ones go into the manifest, large ones into the state.
  if (hasOperators(id)) return { operators: { [operatorName]: state, offsets: Buffer.from(String(id)) } }
  const half = state.length >> 1
  if (id % 4 === 2) return { state: [state.subarray(0, half), state.subarray(half)] }
  return { state: id % 4 === 1 ? chunksOf(state) : state }
}

async function* chunksOf(state) {
  for (let start = 0; start < state.length; start += 4096) {
    // As a producer that computes would: other work happens in between.
    if (start % 65_536 === 0) await new Promise(setImmediate)
    yield state.subarray(start, start + 4096)
  }
}

export function manifestOf(id) {
  return createManifest({
    checkpointId: id,
    epoch: id,
    timestampMs: 1_700_000_000_000 + id,
    sourceOffsets: { orders: { epoch: id, offsets: { 0: String(id) } } },
    sinkEpochs: { out: id },
    sinkCommitStatuses: { out: { status: "pending" } },
  })
}
