import type { RecyclingChunks } from "@ckpt/core"

/** A body that uses the memory of its chunks again as soon as they are given back. */
export interface RecyclingSource extends RecyclingChunks {
  /** Chunks that were given back although they were never given out, or were given back before. */
  readonly strays: number
}

/** These bytes, in chunks. Each chunk that is given back is overwritten at once. */
export function recycling(bytes: Uint8Array, chunkBytes: number): RecyclingSource {
  const free: Uint8Array[] = []
  const out = new Set<Uint8Array>()
  let strays = 0
  const iterator = (async function* () {
    for (let start = 0; start < bytes.length; start += chunkBytes) {
      const part = bytes.subarray(start, start + chunkBytes)
      const chunk = (free.pop() ?? new Uint8Array(chunkBytes)).subarray(0, part.length)
      chunk.set(part)
      out.add(chunk)
      yield chunk
    }
  })()
  return {
    get strays() {
      return strays
    },
    recycle(chunk) {
      if (!out.delete(chunk)) {
        strays++
        return
      }
      chunk.fill(0xee)
      free.push(new Uint8Array(chunk.buffer))
    },
    [Symbol.asyncIterator]: () => iterator,
  }
}
