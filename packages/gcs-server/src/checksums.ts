import { createHash } from "node:crypto"

/** Both checksums as the service gives them: base64, the CRC big-endian. */
export interface Checksums {
  readonly crc32c: string
  readonly md5Hash: string
}

// Eight bytes a step ("slicing by 8"). With one byte a step it would take longer than the transfer over loopback.
const tables = makeTables(0x82f63b78)
const [t0, t1, t2, t3, t4, t5, t6, t7] = tables as [
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
]

function makeTables(reversedPolynomial: number): Int32Array[] {
  const first = new Int32Array(256)
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ reversedPolynomial : crc >>> 1
    first[byte] = crc
  }
  const made = [first]
  while (made.length < 8) {
    const before = made[made.length - 1] as Int32Array
    made.push(before.map((crc) => (crc >>> 8) ^ (first[crc & 255] as number)))
  }
  return made
}

/** Continues the CRC-32C (Castagnoli) `crc` over `bytes`; start with 0. */
export function crc32c(bytes: Uint8Array, crc = 0): number {
  const at = (table: Int32Array, index: number) => table[index & 255] as number
  const byte = (index: number) => bytes[index] as number
  let c = ~crc
  let i = 0
  for (const whole = bytes.length - 7; i < whole; i += 8) {
    c ^= byte(i) | (byte(i + 1) << 8) | (byte(i + 2) << 16) | (byte(i + 3) << 24)
    c =
      at(t7, c) ^
      at(t6, c >>> 8) ^
      at(t5, c >>> 16) ^
      at(t4, c >>> 24) ^
      at(t3, byte(i + 4)) ^
      at(t2, byte(i + 5)) ^
      at(t1, byte(i + 6)) ^
      at(t0, byte(i + 7))
  }
  for (; i < bytes.length; i++) c = at(t0, c ^ byte(i)) ^ (c >>> 8)
  return ~c >>> 0
}

/** Both checksums of bytes that arrive piece by piece. */
export class RunningChecksums {
  readonly #md5 = createHash("md5")
  #crc = 0

  update(bytes: Uint8Array): void {
    this.#crc = crc32c(bytes, this.#crc)
    this.#md5.update(bytes)
  }

  /** The checksums of the bytes so far; more may follow. */
  current(): Checksums {
    const crc = Buffer.alloc(4)
    crc.writeUInt32BE(this.#crc)
    return { crc32c: crc.toString("base64"), md5Hash: this.#md5.copy().digest("base64") }
  }
}

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** Both checksums of bytes in memory. Hundreds of megabytes take a second, so other requests have turns in between. */
export async function checksumsOf(chunks: readonly Uint8Array[]): Promise<Checksums> {
  const running = new RunningChecksums()
  const stride = 1024 * 1024
  let sinceTurn = 0
  for (const chunk of chunks) {
    for (let from = 0; from < chunk.length; from += stride) {
      const piece = chunk.subarray(from, from + stride)
      running.update(piece)
      sinceTurn += piece.length
      if (sinceTurn >= stride) {
        await nextTurn()
        sinceTurn = 0
      }
    }
  }
  return running.current()
}
