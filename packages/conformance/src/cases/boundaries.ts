import { pattern } from "../harness/bytes.js"
import type { BackendCase } from "../harness/case.js"
import { forEachConcurrently } from "../harness/concurrency.js"
import { cut, source } from "./support/body.js"
import { boundaries, MiB } from "./support/boundaries.js"
import { holds, read, sameBytes } from "./support/check.js"

const key = "folder/object"

/** Ranges around the pieces of `piece` bytes that a storage may keep an object of `size` bytes in. */
function rangesAround(piece: number, size: number): [offset: number, length: number][] {
  const last = Math.floor((size - 1) / piece) * piece
  const middle = piece * Math.ceil(last / piece / 2)
  const inside = Math.min(last + 1, size)
  return (
    [
      [piece, 10],
      [piece - 1, 2],
      [middle, piece],
      [middle - 1, piece + 2],
      [0, piece],
      [middle - 3, 3],
      // Wholly inside the last piece, up to its end, and over the boundary before it.
      [last, size - last],
      [inside, Math.max(1, size - inside - 1)],
      [size - 1, 1],
      [last - 1, 2],
      // Over more than two pieces.
      [piece - 1, 2 * piece + 2],
    ] as [number, number][]
  ).filter(([offset, length]) => offset >= 0 && offset <= size && length > 0)
}

/** Where storages that keep an object in pieces, blocks or pages count one too many or too few. */
export const boundaryCases: readonly BackendCase[] = [
  {
    name: "put: objects of every size around a power of two are stored whole",
    loses: "a state whose size happens to be that of a page, a block or a part would lose its last bytes, or get more.",
    async run({ backend, thorough }) {
      const sizes = boundaries(thorough ? 20 * MiB : MiB)
      const check = async (size: number) => {
        const bytes = pattern(size, size)
        // Zeros at the end: a storage that pads may cut them off again.
        if (size % 3 === 0) bytes.fill(0, Math.floor(size * 0.9))
        const body = size % 2 === 0 ? cut(bytes, 50_000) : source(cut(bytes))
        await backend.put(`${key}-${size}`, body)
        sameBytes(await read(backend, `${key}-${size}`), bytes, `an object of ${size} bytes`)
      }
      await forEachConcurrently(
        sizes.filter((size) => size <= MiB + 1),
        check,
      )
      for (const size of sizes) if (size > MiB + 1) await check(size)
    },
  },
  {
    name: "put: an object that replaces a longer one ends where it ends, at any boundary",
    loses:
      "the end of an older state would stay behind a new one that is as long as whole pages, and it would not verify.",
    async run({ backend }) {
      for (const size of [300_000, 262_144, 131_072, 65_537, 65_536, 8192, 4097, 4096, 1024, 512, 1, 0, 4096, 3, 512]) {
        const bytes = pattern(size, size)
        await backend.put(key, size % 3 === 0 ? cut(bytes) : source(cut(bytes)))
        await holds(backend, key, bytes, `an object of ${size} bytes that replaced another`)
      }
    },
  },
  {
    name: "range: ranges that begin, end or lie at the boundary of a piece are exact",
    loses: "an operator's state would be read with a piece missing, or with the bytes of the piece beside it.",
    async run({ backend, thorough }) {
      const pieces = [
        512,
        1000,
        4096,
        16_384,
        65_536,
        131_072,
        262_144,
        ...(thorough ? [MiB, 4 * MiB, 5 * MiB, 8 * MiB] : []),
      ]
      const most = thorough ? 17 * MiB : 600_000
      // One object of whole pieces, one whose last piece is short, and one whose last piece is a single byte.
      for (const size of [thorough ? 16 * MiB : 524_288, most, (thorough ? 16 * MiB : 524_288) + 1]) {
        const bytes = pattern(size, size)
        await backend.put(`${key}-${size}`, cut(bytes))
        const ranges = pieces.flatMap((piece) => rangesAround(piece, size))
        await forEachConcurrently(ranges, async ([offset, length]) => {
          const seen = await read(backend, `${key}-${size}`, { range: { offset, length } })
          sameBytes(seen, bytes.subarray(offset, offset + length), `${length} bytes from ${offset} of ${size}`)
        })
      }
    },
  },
  {
    name: "range: a length far beyond the end is cut at the end",
    loses: "a reader that asks for the rest of a state, however long, would get nothing.",
    async run({ backend }) {
      const bytes = pattern(3000)
      await backend.put(key, [bytes])
      for (const length of [2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 32 + 1, 2 ** 40]) {
        for (const offset of [0, 1, 2999]) {
          const seen = await read(backend, key, { range: { offset, length } })
          sameBytes(seen, bytes.subarray(offset), `${length} bytes from ${offset} of 3000`)
        }
      }
      await holds(backend, key, bytes, "the whole object")
    },
  },
  {
    name: "put: bytes are stored as bytes, whatever they look like",
    loses: "a state that looks like text, or ends in zeros, would come back changed.",
    async run({ backend }) {
      const text = (value: string) => new TextEncoder().encode(value)
      const contents = {
        "every byte": Uint8Array.from({ length: 256 }, (_, index) => index),
        "a byte order mark": text("\ufefftext"),
        "line ends of two kinds": text("a\r\nb\nc\r"),
        zeros: new Uint8Array(4096),
        "a zero at the end": new Uint8Array([1, 2, 0]),
        "spaces at both ends": text("  padded  "),
        "characters of XML": text("<a>&amp;]]></a>"),
        "the beginning of a zip of one byte": new Uint8Array([0x1f, 0x8b, 0x08, 0x00]),
        "no UTF-8": new Uint8Array([0xff, 0xfe, 0xc0, 0x80, 0xed, 0xa0, 0x80]),
        "combined letters": text("e\u0301 \u00e9"),
      }
      for (const [what, bytes] of Object.entries(contents)) {
        for (const [form, body] of Object.entries({ array: [bytes], stream: source(cut(bytes, 3)) })) {
          await backend.put(`${key}-${form}`, body)
          await holds(backend, `${key}-${form}`, bytes, `${what}, from a ${form}`)
        }
      }
    },
  },
]
