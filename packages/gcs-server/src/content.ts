/** Bytes in the pieces in which they came off the socket, never joined. */
export interface Content {
  readonly chunks: readonly Buffer[]
  readonly size: number
}

/** The pieces that make up the bytes from `start` to before `end`, without copying. */
export function slice(content: Content, start: number, end: number): Buffer[] {
  const pieces: Buffer[] = []
  let offset = 0
  for (const chunk of content.chunks) {
    if (offset >= end) break
    const from = Math.max(0, start - offset)
    const to = Math.min(chunk.length, end - offset)
    if (from < to) pieces.push(chunk.subarray(from, to))
    offset += chunk.length
  }
  return pieces
}

/** Everything that a request sends. Rejects if the connection is cut before its end. */
export async function collect(source: AsyncIterable<Buffer>): Promise<Content> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of source) {
    chunks.push(chunk)
    size += chunk.length
  }
  return { chunks, size }
}
