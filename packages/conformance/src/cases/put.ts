import { pattern } from "../harness/bytes.js"
import type { BackendCase } from "../harness/case.js"
import { forEachConcurrently } from "../harness/concurrency.js"
import { cut, source } from "./support/body.js"
import { holds, identity, isAbsent, opened, readAll, same, sameBytes } from "./support/check.js"

const key = "folder/object"

export const putCases: readonly BackendCase[] = [
  {
    name: "put: an array of chunks is stored whole",
    loses: "a manifest or a small state would come back with bytes missing or out of order, and not verify.",
    async run({ backend }) {
      const bytes = pattern(100_000)
      const meta = await backend.put(key, cut(bytes, 30_000), { size: bytes.length })
      const stored = await holds(backend, key, bytes, "the object that was put")
      same(identity(meta), identity(stored), "the meta that put returned")
    },
  },
  {
    name: "put: a large array of chunks is stored whole",
    loses: "a large state held in memory would be cut at the border of a part.",
    async run({ backend, largeBytes }) {
      const bytes = pattern(largeBytes)
      const meta = await backend.put(key, cut(bytes, 1 << 20))
      same(
        identity(meta),
        identity(await holds(backend, key, bytes, "the object that was put")),
        "the meta that put returned",
      )
    },
  },
  {
    name: "put: a stream of a known size is stored whole",
    loses: "a state that is streamed from a file could not be restored.",
    async run({ backend, largeBytes }) {
      const bytes = pattern(largeBytes)
      await backend.put(key, source(cut(bytes)), { size: bytes.length })
      await holds(backend, key, bytes, "the streamed object")
    },
  },
  {
    name: "put: a stream of unknown size is stored whole",
    loses: "a state of operators that are written one after the other could not be saved, or would be cut.",
    async run({ backend, largeBytes }) {
      // Sizes on both sides of the end of a part, and one that no power of two divides.
      for (const size of [1, 65_536, (1 << 20) + 1, largeBytes]) {
        const bytes = pattern(size, size)
        const body = source(cut(bytes))
        await backend.put(`${key}-${size}`, body)
        await holds(backend, `${key}-${size}`, bytes, `the streamed object, ${size} bytes`)
        same(body.opened, 1, "how often the body was opened")
      }
    },
  },
  {
    name: "put: many small chunks, some of them empty, are stored whole",
    loses: "a state made of many small records would end at the first empty one, or take one request for each.",
    async run({ backend }) {
      const bytes = pattern(60_000)
      const chunks: Uint8Array[] = []
      for (let start = 0; start < bytes.length; start += chunks.length % 8) {
        chunks.push(bytes.subarray(start, start + ((chunks.length + 1) % 8)))
      }
      await backend.put(key, source(chunks))
      await backend.put(`${key}-array`, chunks)
      await holds(backend, key, bytes, "the streamed object")
      await holds(backend, `${key}-array`, bytes, "the object that was given as an array")
    },
  },
  {
    name: "put: an empty object is an object",
    loses: "an empty state would be taken for a lost one, and its checkpoint for damaged.",
    async run({ backend }) {
      const empty = new Uint8Array()
      const bodies = { none: [], one: [empty], stream: source([]), "stream of nothing": source([empty, empty]) }
      for (const [name, body] of Object.entries(bodies)) {
        same((await backend.put(`empty/${name}`, body)).size, 0, `the size that put returned, ${name}`)
        await holds(backend, `empty/${name}`, empty, `an empty object, ${name}`)
      }
    },
  },
  {
    name: "put: a put without a condition replaces the whole object",
    loses: "the end of a longer, older pointer would stay behind a new one, and make it unreadable.",
    async run({ backend, largeBytes }) {
      for (const size of [largeBytes, 1000, 0, 2000]) {
        const bytes = pattern(size, size)
        await backend.put(key, source(cut(bytes)))
        await holds(backend, key, bytes, `after it was replaced by ${size} bytes`)
      }
    },
  },
  {
    name: "put: changing a buffer after the put leaves the object alone",
    loses: "a program that uses its buffers again would change checkpoints that were saved long ago.",
    async run({ backend }) {
      // A Buffer, of which `slice` makes no copy.
      const chunk = Buffer.from(pattern(5000))
      await backend.put(key, [chunk])
      await backend.put(`${key}-stream`, source([chunk]))
      chunk.fill(0)
      await holds(backend, key, pattern(5000), "after the array's buffer was used again")
      await holds(backend, `${key}-stream`, pattern(5000), "after the stream's buffer was used again")
    },
  },
  {
    name: "put: an acknowledged object is visible to every backend at once",
    loses: "a process that takes over right after a crash would not see the checkpoint that was acknowledged last.",
    async run({ backend, another }) {
      const other = await another()
      for (let round = 0; round < 5; round++) {
        await isAbsent(other, `${key}-${round}`, "before it was written")
        await backend.put(`${key}-${round}`, [pattern(100, round)])
        await holds(other, `${key}-${round}`, pattern(100, round), "through another backend")
      }
    },
  },
  {
    name: "put: 48 puts at once do not mix their bytes",
    loses: "two checkpoints that are saved at the same time would hold pieces of each other.",
    async run({ backend }) {
      const keys = Array.from({ length: 48 }, (_, index) => `many/${index}`)
      const bytesFor = (name: string) => pattern(20_000 + keys.indexOf(name), keys.indexOf(name))
      await Promise.all(keys.map((name) => backend.put(name, source(cut(bytesFor(name), 700)))))
      await forEachConcurrently(keys, async (name) => {
        const content = await opened(backend, name)
        sameBytes(await readAll(content), bytesFor(name), `${name}, written together with 47 others`)
        same(content.meta.key, name, "the key of what was read")
      })
    },
  },
]
