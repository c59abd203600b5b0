import { Buffer } from "node:buffer"

export type Chunks = AsyncIterable<Uint8Array>

/** At most `count` bytes, and never the last byte of the body, so that something is missing. Then it stops reading. */
export async function* first(chunks: Chunks, count: number): AsyncGenerator<Uint8Array> {
  let left = count
  for await (const chunk of allButLast(chunks)) {
    if (chunk.length >= left) {
      if (left > 0) yield chunk.subarray(0, left)
      return
    }
    yield chunk
    left -= chunk.length
  }
}

/** The body without its last byte. */
async function* allButLast(chunks: Chunks): AsyncGenerator<Uint8Array> {
  let last: Uint8Array = Buffer.alloc(0)
  for await (const chunk of chunks) {
    if (chunk.length === 0) continue
    if (last.length > 0) yield last
    if (chunk.length > 1) yield chunk.subarray(0, chunk.length - 1)
    last = chunk.subarray(chunk.length - 1)
  }
}

/** Flips one bit of the byte at `at`, or of the last byte if the body is shorter. */
export async function* flipped(chunks: Chunks, at: number): AsyncGenerator<Uint8Array> {
  let offset = 0
  let done = false
  let last: Uint8Array = Buffer.alloc(0)
  for await (const chunk of chunks) {
    if (chunk.length === 0) continue
    if (last.length > 0) yield last
    last = Buffer.alloc(0)
    if (done) yield chunk
    else if (at < offset + chunk.length) {
      done = true
      yield withBitFlipped(chunk, at - offset)
    } else {
      if (chunk.length > 1) yield chunk.subarray(0, chunk.length - 1)
      last = chunk.subarray(chunk.length - 1)
    }
    offset += chunk.length
  }
  if (last.length > 0) yield withBitFlipped(last, 0)
}

/** Flips the lowest bit: text stays text, so that only a checksum or a close look can tell. */
function withBitFlipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Buffer.from(bytes)
  copy.writeUInt8(copy.readUInt8(at) ^ 1, at)
  return copy
}

const ticksPerSecond = 20

export async function* paced(
  chunks: Chunks,
  bytesPerSecond: number,
  pause: (ms: number) => Promise<void>,
): AsyncGenerator<Uint8Array> {
  const step = Math.max(1, Math.floor(bytesPerSecond / ticksPerSecond))
  for await (const chunk of chunks) {
    for (let offset = 0; offset < chunk.length; offset += step) {
      const piece = chunk.subarray(offset, offset + step)
      await pause((piece.length / bytesPerSecond) * 1000)
      yield piece
    }
  }
}

/** The limit for a body that a fault needs whole, in memory. */
const maxBufferedBytes = 64 * 1024 * 1024

export async function collect(chunks: Chunks): Promise<Buffer> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const chunk of chunks) {
    size += chunk.length
    if (size > maxBufferedBytes) {
      throw new Error(`this fault needs the whole body, and it has more than ${maxBufferedBytes} bytes`)
    }
    parts.push(chunk)
  }
  return Buffer.concat(parts, size)
}

export async function drain(chunks: Chunks): Promise<void> {
  for await (const _ of chunks) {
    // Reads on, so that the sender can finish.
  }
}
