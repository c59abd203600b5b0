import type { ObjectBackend } from "@ckpt/core"
import { bytesOf, pattern } from "../harness/bytes.js"
import type { BackendCase } from "../harness/case.js"
import { nextTurn } from "../harness/waiting.js"
import { cut, source } from "./support/body.js"
import { checkBackendError, fail, holds, isAbsent, opened, outcome, readAll, same } from "./support/check.js"

const key = "folder/object"

export const atomicityCases: readonly BackendCase[] = [
  {
    name: "atomic: a new object is not visible before it is whole",
    loses: "recovery would find a checkpoint that was still being written when its process was killed.",
    async run({ backend, another, largeBytes }) {
      const other = await another()
      const chunks = cut(pattern(largeBytes))
      for (const when of [undefined, "absent"] as const) {
        const name = `${key}-${when}`
        const body = source(chunks, async (index) => {
          if (index !== 1 && index !== chunks.length) return
          for (const one of [backend, other]) await isAbsent(one, name, `after ${index} of ${chunks.length} chunks`)
        })
        await backend.put(name, body, { when })
        await holds(other, name, pattern(largeBytes), "when the put has resolved")
      }
    },
  },
  {
    name: "atomic: the old object stays until the new one is whole",
    loses: "a crash in the middle of an update would leave neither the old content nor the new.",
    async run({ backend, another, largeBytes }) {
      const other = await another()
      await backend.put(key, [bytesOf("old")])
      const chunks = cut(pattern(largeBytes))
      const body = source(chunks, async (index) => {
        if (index !== 1 && index !== chunks.length) return
        for (const one of [backend, other])
          await holds(one, key, bytesOf("old"), `after ${index} chunks of the new one`)
      })
      await backend.put(key, body)
      await holds(other, key, pattern(largeBytes), "when the put has resolved")
    },
  },
  {
    name: "atomic: readers never see a torn object",
    loses: "a reader would restore half of one state and half of another, or find none at all for a moment.",
    async run({ backend, another }) {
      const contents = [pattern(1_000_000, 1), pattern(1_300_000, 2), pattern(10, 3)]
      await backend.put(key, cut(contents[0] ?? bytesOf("")))
      let writing = true
      let reads = 0
      const reader = async (one: ObjectBackend) => {
        while (writing) {
          if (await readWhole(one, contents)) reads++
          await nextTurn()
        }
      }
      const readers = [reader(backend), reader(await another()), reader(await another())].map(outcome)
      let failure: unknown
      try {
        for (let round = 1; round <= 30; round++) {
          const next = contents[round % contents.length] ?? bytesOf("")
          await backend.put(key, round % 2 === 0 ? source(cut(next)) : cut(next))
        }
      } catch (error) {
        failure = error
      }
      writing = false
      for (const { error } of await Promise.all(readers)) if (error !== undefined) throw error
      if (failure !== undefined) throw failure
      if (reads === 0) fail("readers of an object that is replaced 30 times", "some reads that succeed", "none did")
    },
  },
]

/** True if the read succeeded. An overtaken read may fail, but it must not deliver bytes that were never written. */
async function readWhole(backend: ObjectBackend, contents: readonly Uint8Array[]): Promise<boolean> {
  const content = await opened(backend, key)
  const { value: bytes, error } = await outcome(readAll(content))
  if (error !== undefined) {
    checkBackendError(error, "a read that was overtaken")
    return false
  }
  same(bytes?.length, content.meta.size, "the bytes that a reader got, and the size it was told")
  const whole = contents.some((one) => bytes !== undefined && Buffer.compare(one, bytes) === 0)
  if (!whole)
    fail(
      "the bytes that a reader got",
      "one of the contents that were written",
      `${bytes?.length} bytes of something else`,
    )
  return true
}
