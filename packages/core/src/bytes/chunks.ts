export function joinChunks(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const only = chunks[0]
  // A Buffer is copied: its `slice` is a view, and its memory may be a shared pool, so what a caller can do with the bytes
  // would depend on the number of chunks.
  if (chunks.length === 1 && only?.constructor === Uint8Array) return only
  const joined = new Uint8Array(size)
  let offset = 0
  for (const chunk of chunks) {
    joined.set(chunk, offset)
    offset += chunk.length
  }
  return joined
}
