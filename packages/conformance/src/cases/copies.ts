import type { CommitBatch, ObjectBackend, ObjectContent } from "@ckpt/core"
import { recyclerOf } from "@ckpt/core/adapter"
import { bytesOf, pattern } from "../harness/bytes.js"
import type { BackendCase } from "../harness/case.js"
import { cut, source } from "./support/body.js"
import { fail, holds, opened, read, same, sameBytes } from "./support/check.js"
import { committed, manifestKey, pointerKey, stateKey } from "./support/commit.js"
import { recycling } from "./support/recycling.js"

const key = "folder/object"

/** Reads the rest of a body, and changes each chunk. */
async function spoil(content: ObjectContent): Promise<void> {
  for await (const chunk of content.body) chunk.fill(0xee)
}

/** Reads an object chunk by chunk, and keeps the chunks that it does not give back. */
async function reader(backend: ObjectBackend, name: string, bytes: Uint8Array) {
  const { body } = await opened(backend, name)
  const iterator = body[Symbol.asyncIterator]()
  const recycle = recyclerOf(body)
  let kept: { chunk: Uint8Array; at: number }[] = []
  let taken = 0
  return {
    /** False at the end. */
    async take() {
      const step = await iterator.next()
      if (step.done) {
        same(taken, bytes.length, `the bytes of ${name} (get), read in turn with others`)
        return false
      }
      kept.push({ chunk: step.value, at: taken })
      taken += step.value.length
      return true
    },
    checkKept() {
      for (const { chunk, at } of kept)
        sameBytes(chunk, bytes.subarray(at, at + chunk.length), `a chunk of ${name} (get) while others are read`)
    },
    giveBack() {
      if (recycle === undefined) return
      for (const { chunk } of kept) recycle(chunk)
      kept = []
    },
  }
}

/** Whose memory is whose: on the way in until the call has settled, on the way out from the first moment on. */
export const copyCases: readonly BackendCase[] = [
  {
    name: "put: a chunk that was given back is not looked at again",
    loses: "a save would be acknowledged whose state holds bytes of its own end in its middle, and does not verify.",
    async run({ backend, largeBytes }) {
      for (const [size, chunkBytes] of [
        [5000, 5000],
        [100_000, 7000],
        [largeBytes, 64 * 1024],
      ] as const) {
        const body = recycling(pattern(size), chunkBytes)
        await backend.put(`${key}-${size}`, body)
        same(body.strays, 0, "chunks that put gave back twice, or that are not its body's (`recycle`)")
        await holds(backend, `${key}-${size}`, pattern(size), `a put whose body uses its memory again, ${size} bytes`)
      }
    },
  },
  {
    name: "get: two readers never share memory, and a chunk stays until it is given back",
    loses: "two operators that are restored at the same time would get each other's bytes.",
    async run({ backend }) {
      const names = Array.from({ length: 10 }, (_, index) => `many/${index}`)
      // Short objects too, which a storage may read into memory that it keeps for all of them.
      const bytesFor = (index: number) => pattern((index % 2 === 0 ? 300_000 : 3000) - 100 * index, index)
      for (const [index, name] of names.entries()) await backend.put(name, cut(bytesFor(index)))
      for (const gives of [false, true]) {
        // All are open at once, and take turns. Where memory is given back, the next chunk of anybody may lie in it.
        const readers = await Promise.all(names.map((name, index) => reader(backend, name, bytesFor(index))))
        const open = new Set(readers)
        for (let turn = 0; open.size > 0; turn++) {
          for (const one of open) {
            // The chunk before is looked at once more, after all others have taken theirs.
            one.checkKept()
            if (gives && turn % 3 !== 2) one.giveBack()
            if (!(await one.take())) open.delete(one)
          }
        }
        for (const one of readers) one.checkKept()
      }
    },
  },
  {
    name: "get: changing what was read, of any size or range, leaves the object alone",
    loses: "a program that changes a restored state would change the checkpoint itself.",
    async run({ backend, largeBytes }) {
      for (const size of [100, 70_000, largeBytes]) {
        const name = `${key}-${size}`
        await backend.put(name, cut(pattern(size, size)))
        await spoil(await opened(backend, name))
        await spoil(await opened(backend, name, { range: { offset: 10, length: 50 } }))
        await spoil(await opened(backend, name, { range: { offset: Math.floor(size / 2) } }))
        const what = `an object of ${size} bytes after a reader of it, or of a range, changed its chunks`
        sameBytes(await read(backend, name), pattern(size, size), what)
      }
    },
  },
  {
    name: "commit: the caller's memory is the caller's again",
    loses: "a program that uses its buffers again would change a checkpoint, or the pointer, that was acknowledged.",
    needs: ["commit"],
    async run({ backend, note }) {
      // Buffers, of which `slice` makes no copy.
      const [state, streamed, next] = [pattern(5000, 1), pattern(5000, 2), bytesOf("1")].map((one) => Buffer.from(one))
      if (state === undefined || streamed === undefined || next === undefined) return
      const batch: CommitBatch = {
        create: [
          { key: stateKey(1), body: [state] },
          { key: manifestKey(1), body: () => source([streamed]) },
        ],
        pointer: { key: pointerKey, decide: () => next },
      }
      if ((await committed(backend, batch, note)) === undefined) return
      for (const buffer of [state, streamed, next]) buffer.fill(0xee)
      await holds(backend, stateKey(1), pattern(5000, 1), "after the array of a commit was used again")
      await holds(backend, manifestKey(1), pattern(5000, 2), "after the stream's chunk of a commit was used again")
      await holds(backend, pointerKey, bytesOf("1"), "after the bytes that decide gave were used again")
    },
  },
  {
    name: "commit: a body may use its memory again, and decide may change what it was given",
    loses: "a commit would be acknowledged whose state does not verify, or the pointer would change without a commit.",
    needs: ["commit"],
    async run({ backend, largeBytes, note }) {
      const bytes = pattern(largeBytes)
      const body = recycling(bytes, 64 * 1024)
      const first = await committed(backend, { create: [{ key: stateKey(1), body }] }, note)
      if (first === undefined) return
      same(body.strays, 0, "chunks that commit gave back twice, or that are not its body's (`recycle`)")
      await holds(backend, stateKey(1), bytes, "a commit whose body uses its memory again")
      const before = await backend.put(pointerKey, [bytesOf("here")])
      const decide = (current: { bytes: Uint8Array } | undefined) => {
        current?.bytes.fill(0xee)
        return undefined
      }
      await committed(
        backend,
        { create: [{ key: stateKey(2), body: [bytes] }], pointer: { key: pointerKey, decide } },
        note,
      )
      const after = await holds(
        backend,
        pointerKey,
        bytesOf("here"),
        "a pointer whose bytes decide changed in its own copy",
      )
      if (after.version !== before.version)
        fail("the version of a pointer that was left", before.version, after.version)
    },
  },
]
