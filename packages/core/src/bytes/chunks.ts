import type { OwnBytes } from "./own-bytes.js"

/** The chunks in one array. `size`: bytes of all chunks together. */
export function joinChunks(chunks: readonly Uint8Array[], size: number): OwnBytes {
  const only = chunks[0]
  // A single Buffer is copied too: its memory may be a shared pool, and its `slice` makes no copy. Otherwise the kind
  // of array would depend on the number of chunks.
  if (chunks.length === 1 && only?.constructor === Uint8Array && only.buffer instanceof ArrayBuffer) {
    return only as OwnBytes
  }
  const joined = new Uint8Array(size)
  let offset = 0
  for (const chunk of chunks) {
    joined.set(chunk, offset)
    offset += chunk.length
  }
  return joined
}
