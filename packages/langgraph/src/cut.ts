// Bytes are cut where their content says so: an edit moves the cuts beside it, and all others stay. So two values that are nearly the same
// have nearly all pieces in common. The hash is that of FastCDC (Xia et al., USENIX ATC 2016), the "gear": a byte shifts it by one bit,
// so it depends on the last 32 bytes alone.
import { createHash } from "node:crypto"

interface Sizes {
  readonly least: number
  /** Behind the least size, one byte in 2 to the power of so many ends a piece. */
  readonly bits: number
  readonly most: number
}

// Few requests read and store the old part of a value. Chosen with `small` by the figures in docs/decisions/programs.md.
const large: Sizes = { least: 16 * 1024, bits: 15, most: 256 * 1024 }
// Few bytes are written again for what is added at the end.
const small: Sizes = { least: 4 * 1024, bits: 12, most: 16 * 1024 }

const window = 32
const gear = Int32Array.from({ length: 256 }, (_, byte) =>
  createHash("sha256").update(Uint8Array.of(byte)).digest().readInt32BE(),
)

/**
 * The same pieces for the same bytes: large ones, and small ones behind the last cut between large ones. What grows at its end keeps its
 * large pieces, and all small ones but the last, until the next large piece takes their place.
 *
 * @returns views of the bytes, which give the bytes one behind the other. None of no bytes.
 */
export function cut(bytes: Uint8Array): Uint8Array[] {
  const pieces = cutBy(large, bytes)
  const end = pieces.pop()
  return end === undefined ? [] : [...pieces, ...cutBy(small, end)]
}

function cutBy({ least, bits, most }: Sizes, bytes: Uint8Array): Uint8Array[] {
  const pieces: Uint8Array[] = []
  for (let start = 0, at = 0; start < bytes.length; start = at) {
    const end = Math.min(start + most, bytes.length)
    at = Math.min(start + least, end)
    let hash = 0
    for (let before = Math.max(start, at - window); before < at; before++) hash = shifted(hash, bytes[before] as number)
    while (at < end) {
      hash = shifted(hash, bytes[at++] as number)
      if (hash >>> (32 - bits) === 0) break
    }
    pieces.push(bytes.subarray(start, at))
  }
  return pieces
}

function shifted(hash: number, byte: number): number {
  return ((hash << 1) + (gear[byte] as number)) | 0
}
