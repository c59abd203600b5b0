import type { ObjectBackend } from "@ckpt/core"
import { bytesOf, pattern, textOf } from "../harness/bytes.js"
import type { BackendCase } from "../harness/case.js"
import { cut, source } from "./support/body.js"
import {
  fail,
  holds,
  identity,
  isAbsent,
  oneWinner,
  opened,
  outcome,
  persisting,
  read,
  readAll,
  rejectsAs,
  same,
} from "./support/check.js"

const key = "folder/pointer"

export const replaceCases: readonly BackendCase[] = [
  {
    name: "replace: a replace of the current version succeeds",
    loses: "the pointer could never be moved, and every save would be slower and slower to find.",
    async run({ backend, another, largeBytes }) {
      const other = await another()
      let { version } = await backend.put(key, [bytesOf("0")])
      for (const [by, text] of [
        [other, "1"],
        [backend, "2"],
        [other, "3"],
      ] as const) {
        const meta = await by.put(key, [bytesOf(text)], { when: { version } })
        same(identity(meta), identity(await holds(backend, key, bytesOf(text), "after it was replaced")), "its meta")
        version = meta.version
      }
      // The version may come from any call.
      const fromHead = await backend.head(key)
      await backend.put(key, source(cut(pattern(largeBytes))), { when: { version: fromHead?.version ?? "" } })
      await holds(backend, key, pattern(largeBytes), "a large stream in its place")
    },
  },
  {
    name: "replace: a stale version is refused",
    loses: "a delayed writer would move the pointer back, or undo a claim that another process holds.",
    async run({ backend, another, largeBytes }) {
      const other = await another()
      const { version } = await backend.put(key, [bytesOf("old 1")])
      await other.put(key, [bytesOf("new 1")], { when: { version } })
      const when = { version }
      await rejectsAs("precondition", backend.put(key, [bytesOf("late 1")], { when }), "a stale replace")
      await rejectsAs("precondition", other.put(key, source([bytesOf("late 2")]), { when }), "a stale stream")
      const large = source(cut(pattern(largeBytes)))
      await rejectsAs("precondition", backend.put(key, large, { when }), "a large stale stream")
      await holds(backend, key, bytesOf("new 1"), "the object of the faster one")
    },
  },
  {
    name: "replace: an object that was replaced while the body was sent stays",
    loses: "the condition would be checked too early, and an update made meanwhile would be lost.",
    async run({ backend, another, largeBytes }) {
      const other = await another()
      const chunks = cut(pattern(largeBytes))
      // The last place is after the last byte, where only the completion is left to be refused.
      for (const at of [1, chunks.length - 1, chunks.length]) {
        const { version } = await backend.put(key, [bytesOf("old")])
        const body = source(chunks, async (index) => {
          if (index === at) await other.put(key, [bytesOf("faster")])
        })
        const slower = `the slower replace, overtaken after ${at} of ${chunks.length} chunks`
        await rejectsAs("precondition", backend.put(key, body, { when: { version } }), slower)
        await holds(backend, key, bytesOf("faster"), "the object of the faster one")
      }
    },
  },
  {
    name: "replace: a replace of an absent or deleted object is refused",
    loses: "a manifest that was pruned would be brought back by a late update.",
    async run({ backend }) {
      const never = await backend.put("folder/other", [bytesOf("x")])
      const missing = { when: { version: never.version } }
      await rejectsAs("precondition", backend.put(key, [bytesOf("y")], missing), "a replace of nothing")
      await isAbsent(backend, key, "after a replace of nothing")
      const { version } = await backend.put(key, [bytesOf("pruned")])
      await backend.delete([key])
      const deleted = { when: { version } }
      await rejectsAs("precondition", backend.put(key, [bytesOf("y")], deleted), "a replace of what was deleted")
      await isAbsent(backend, key, "after a replace of what was deleted")
      const again = await backend.put(key, [bytesOf("created anew")])
      await rejectsAs("precondition", backend.put(key, [bytesOf("y")], deleted), "a replace of what was created anew")
      same(
        identity(again),
        identity(await holds(backend, key, bytesOf("created anew"), "the object that is there")),
        "its meta",
      )
    },
  },
  {
    name: "replace: a replace by equal content succeeds",
    loses: "a retry of the same update would fail, or leave a version behind that nobody can replace.",
    async run({ backend }) {
      const first = await backend.put(key, [bytesOf("same")])
      const second = await backend.put(key, [bytesOf("same")], { when: { version: first.version } })
      // The versions may be equal: on some storages a version is a hash of the content.
      same(identity(second), identity(await holds(backend, key, bytesOf("same"), "the same content")), "its meta")
      const third = await backend.put(key, [bytesOf("else")], { when: { version: second.version } })
      if (third.version === second.version) fail("the version of other content", "another version", third.version)
      await holds(backend, key, bytesOf("else"), "other content after it")
    },
  },
  {
    name: "replace: a read that begins after a replace was answered sees it, by every way to read",
    loses: "a save would be acknowledged by a history from before another process's claim, and never count.",
    async run({ backend, another }) {
      const other = await another()
      let { version } = await backend.put(key, [bytesOf("epoch 0")])
      for (let epoch = 1; epoch <= 6; epoch++) {
        const [writer, reader] = epoch % 2 === 0 ? [backend, other] : [other, backend]
        // Both have just read what is about to be replaced.
        for (const one of [backend, other]) await read(one, key)
        const meta = await writer.put(key, [bytesOf(`epoch ${epoch}`)], { when: { version } })
        for (const one of [reader, writer]) {
          same(textOf(await read(one, key)), `epoch ${epoch}`, "what get sees after the replace")
          same((await one.head(key))?.version, meta.version, "the version that head sees after the replace")
        }
        version = meta.version
      }
    },
  },
  {
    name: "replace: exactly one of 16 racers from one version wins",
    loses: "two processes would both be told that they lead, and write side by side.",
    async run({ backend, another }) {
      const backends = [backend, await another(), await another(), await another()]
      let { version } = await backend.put(key, [bytesOf("start")])
      for (let round = 0; round < 4; round++) {
        const when = { version }
        const bytesFor = (index: number) => pattern(500, 100 * round + index)
        const racers = Array.from({ length: 16 }, (_, index) =>
          outcome(persisting(() => (backends[index % 4] ?? backend).put(key, [bytesFor(index)], { when }))),
        )
        const winner = oneWinner(await Promise.all(racers), `16 who replace one version, round ${round + 1}`)
        version = (await holds(backend, key, bytesFor(winner), "the winner's object")).version
      }
    },
  },
  {
    name: "replace: 5 workers count to 50 without losing an increment",
    loses: "of two updates at once, one would be lost although both were acknowledged.",
    async run({ backend, another }) {
      await backend.put(key, [bytesOf("0")], { when: "absent" })
      const workers = [backend, await another(), await another(), await another(), await another()]
      await Promise.all(workers.map((one, index) => countUp(one, `worker ${index}`, 10)))
      const [count] = textOf(await read(backend, key)).split(" ")
      same(count, "50", "the counter after 5 × 10 increments, all of them acknowledged")
    },
  },
]

/** Writes each value with a token, as core does: where versions are hashes, equal content would be no change. */
async function countUp(backend: ObjectBackend, name: string, times: number): Promise<void> {
  for (let done = 0, attempt = 0; done < times; attempt++) {
    if (attempt === 2000) fail("a counter under compare-and-swap", "progress", `${name}: 2000 failed conditions`)
    const content = await opened(backend, key)
    const [count] = textOf(await readAll(content)).split(" ")
    const bytes = bytesOf(`${Number(count) + 1} ${name} ${attempt}`)
    const put = () => backend.put(key, [bytes], { when: { version: content.meta.version } })
    const { error } = await outcome(persisting(put))
    if (error === undefined) done++
    else await rejectsAs("precondition", Promise.reject(error), "an increment that came too late")
  }
}
