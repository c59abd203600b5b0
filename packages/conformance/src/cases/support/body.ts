/** The same bytes cut into chunks. */
export function cut(bytes: Uint8Array, chunkBytes = 64 * 1024): Uint8Array[] {
  const chunks: Uint8Array[] = []
  for (let start = 0; start < bytes.length; start += chunkBytes) chunks.push(bytes.subarray(start, start + chunkBytes))
  return chunks
}

/** A body that can be read once, as a file or a socket can. */
export interface Source extends AsyncIterable<Uint8Array> {
  /** How often its iterator was asked for. */
  readonly opened: number
  /** How many chunks were taken. */
  readonly taken: number
  /** Resolves once it was read to its end, failed, or was closed by `return()`. */
  readonly closed: Promise<void>
}

/**
 * A body of these chunks. `before(n)` runs before the n-th chunk, from 0, and once more before the end. It may wait,
 * look at the storage, or throw.
 */
export function source(chunks: readonly Uint8Array[], before?: (index: number) => unknown): Source {
  let opened = 0
  let taken = 0
  let close = () => {}
  const closed = new Promise<void>((resolve) => {
    close = resolve
  })
  async function* generate() {
    try {
      for (const [index, chunk] of chunks.entries()) {
        await before?.(index)
        taken++
        yield chunk
      }
      await before?.(chunks.length)
    } finally {
      close()
    }
  }
  const iterator = generate()
  return {
    get opened() {
      return opened
    },
    get taken() {
      return taken
    },
    closed,
    // The same iterator each time: a stream does not give its chunks again.
    [Symbol.asyncIterator]() {
      opened++
      return iterator
    },
  }
}
