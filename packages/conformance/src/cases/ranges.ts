import { pattern } from "../harness/bytes.js"
import type { BackendCase } from "../harness/case.js"
import { cut } from "./support/body.js"
import { fail, opened, outcome, read, readAll, rejectsAs, same, sameBytes } from "./support/check.js"

const key = "folder/object"

export const rangeCases: readonly BackendCase[] = [
  {
    name: "range: a range gives exactly its bytes",
    loses: "an operator's state would be read one byte off, or with another operator's bytes.",
    async run({ backend }) {
      const bytes = pattern(10_000)
      await backend.put(key, [bytes])
      for (const [offset, length] of [
        [0, 1],
        [0, 10_000],
        [1, 1],
        [4999, 3],
        [9999, 1],
        [2500, 5000],
      ] as const) {
        const seen = await read(backend, key, { range: { offset, length } })
        sameBytes(seen, bytes.subarray(offset, offset + length), `${length} bytes from ${offset}`)
      }
    },
  },
  {
    name: "range: a range is cut at the end of the object",
    loses: "a read that goes on after an interruption would lose the last bytes, or fail although all is there.",
    async run({ backend }) {
      const bytes = pattern(10_000)
      await backend.put(key, [bytes])
      for (const [offset, length] of [[0], [1], [9999], [9999, 2], [9000, 5000], [0, 10_001]] as const) {
        const seen = await read(backend, key, { range: { offset, length } })
        sameBytes(seen, bytes.subarray(offset), `${length ?? "all"} bytes from ${offset} of 10000`)
      }
    },
  },
  {
    name: "range: a range of no bytes is an empty body",
    loses: "an operator without state, or an interrupted read that had come to its end, would be a failure.",
    async run({ backend }) {
      await backend.put(key, [pattern(100)])
      await backend.put("folder/empty", [])
      for (const [name, offset, length] of [
        [key, 100],
        [key, 100, 10],
        [key, 0, 0],
        [key, 50, 0],
        ["folder/empty", 0],
        ["folder/empty", 0, 10],
      ] as const) {
        const content = await opened(backend, name, { range: { offset, length } })
        const what = `${length ?? "all"} bytes from ${offset} of ${content.meta.size}`
        sameBytes(await readAll(content), new Uint8Array(), what)
      }
    },
  },
  {
    name: "range: a range that begins past the end is refused",
    loses: "a state that was cut short would be read as empty instead of being found damaged.",
    async run({ backend }) {
      await backend.put(key, [pattern(100)])
      await backend.put("folder/empty", [])
      for (const [name, offset, length] of [
        [key, 101],
        [key, 101, 1],
        [key, 5000, 100],
        ["folder/empty", 1],
      ] as const) {
        const reading = async () => readAll(await opened(backend, name, { range: { offset, length } }))
        await rejectsAs("precondition", reading(), `${length ?? "all"} bytes from ${offset}`)
      }
    },
  },
  {
    name: "range: the meta of a range is that of the whole object",
    loses: "a state would seem to be as small as the part of it that was asked for.",
    async run({ backend }) {
      const { size, version } = await backend.put(key, [pattern(1000)])
      for (const range of [{ offset: 0, length: 10 }, { offset: 990 }, { offset: 1000 }]) {
        const { meta, body } = await opened(backend, key, { range })
        same([meta.key, meta.size, meta.version], [key, size, version], "the meta of a range")
        await body[Symbol.asyncIterator]().return?.()
      }
    },
  },
  {
    name: "range: a range that is pinned to a replaced version is refused",
    loses: "a read that goes on after an interruption would join pieces of two states.",
    async run({ backend, another, largeBytes }) {
      const other = await another()
      const old = pattern(largeBytes, 1)
      const { version } = await backend.put(key, cut(old))
      const length = Math.ceil(largeBytes / 3)
      const piece = (offset: number) => backend.get(key, { range: { offset, length }, ifVersion: version })
      // One piece is opened before the object is replaced and read after it. The other one is opened after it.
      const content = (await piece(0)) ?? fail("a piece of what is there", "the object", undefined)
      // The new object has the same size: only its bytes differ.
      await other.put(key, cut(pattern(largeBytes, 2)))
      const first = await outcome(readAll(content))
      if (first.value !== undefined)
        sameBytes(first.value, old.subarray(0, length), "a piece opened before the replace")
      const rest = async () => {
        const opened = await piece(length)
        return opened && readAll(opened)
      }
      await rejectsAs("precondition", rest(), "a piece of the version that was replaced")
    },
  },
  {
    name: "range: the pieces of a large object make it whole",
    loses: "a large state that is read in pieces would have a gap or a repetition at a border.",
    async run({ backend, largeBytes }) {
      const bytes = pattern(largeBytes)
      await backend.put(key, cut(bytes))
      const pieces: Uint8Array[] = []
      const length = Math.ceil(largeBytes / 7)
      for (let offset = 0; offset < largeBytes; offset += length) {
        pieces.push(await read(backend, key, { range: { offset, length } }))
      }
      sameBytes(Buffer.concat(pieces), bytes, "seven pieces")
    },
  },
]
