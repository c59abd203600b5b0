import { randomFillSync } from "node:crypto"
import { createManifest } from "../../packages/core/dist/index.js"

export const KiB = 1024
export const MiB = 1024 * KiB
export const GiB = 1024 * MiB

const block = randomFillSync(Buffer.alloc(16 * MiB))

/**
 * A state in memory, as views of one random block, which neither a disk nor a server can compress.
 *
 * @param {number} size bytes
 * @param {number} chunkBytes
 * @returns {Uint8Array[]}
 */
export function chunksOf(size, chunkBytes) {
  const chunks = []
  for (let done = 0; done < size; ) {
    const offset = done % block.length
    const length = Math.min(chunkBytes, size - done, block.length - offset)
    chunks.push(block.subarray(offset, offset + length))
    done += length
  }
  return chunks
}

/** @param {number} size bytes */
export function wholeOf(size) {
  return Buffer.concat(chunksOf(size, MiB))
}

/**
 * The manifest of a small job: three sources, a sink, a watermark.
 *
 * @param {number} id
 */
export function manifestOf(id) {
  const offsets = Object.fromEntries(Array.from({ length: 8 }, (_, partition) => [`${partition}`, `${id * 1000}`]))
  const source = { epoch: id, offsets }
  return createManifest({
    checkpointId: id,
    epoch: id,
    sourceOffsets: { orders: source, payments: source, clicks: source },
    sourceNames: ["clicks", "orders", "payments"],
    sinkNames: ["warehouse"],
    watermark: BigInt(1_700_000_000_000 + id),
  })
}

/** @param {number} bytes */
export function bytesText(bytes) {
  if (bytes === 0) return "manifest only"
  for (const [unit, size] of /** @type {const} */ ([
    ["GiB", GiB],
    ["MiB", MiB],
    ["KiB", KiB],
  ])) {
    if (bytes >= size) return `${bytes / size} ${unit}`
  }
  return `${bytes} B`
}
