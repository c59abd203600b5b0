import { bytesOf } from "../harness/bytes.js"
import type { BackendCase } from "../harness/case.js"
import { forEachConcurrently } from "../harness/concurrency.js"
import { holds, isAbsent, keysOf, outcome, read, rejectsAs, same, sameBytes, sameKeys } from "./support/check.js"

const key = "folder/object"

export const removalCases: readonly BackendCase[] = [
  {
    name: "delete: a key that is given twice is removed once, without a failure",
    loses: "a prune would report a checkpoint as still there although it is gone, or leave it.",
    async run({ backend }) {
      const batches = [
        ["a/1", "a/1"],
        ["a/1", "a/2", "a/1", "a/3"],
        ["a/none", "a/1", "a/none"],
        ["a/3", "a/3", "a/3", "a/2", "a/2"],
      ]
      for (const keys of batches) {
        const all = ["a/1", "a/2", "a/3"]
        for (const one of all) await backend.put(one, [bytesOf(one)])
        same(await backend.delete(keys), [], `the failures of a delete of ${keys.join(", ")}`)
        const left = all.filter((one) => !keys.includes(one))
        sameKeys(await keysOf(backend, ""), left, `the keys after a delete of ${keys.join(", ")}`)
      }
    },
  },
  {
    name: "delete: an absent key among others changes nothing for the others",
    loses: "a prune that was interrupted would stop at the first object that is gone, and never be finished.",
    async run({ backend }) {
      const there = ["a/1", "b/c/2", "d", "e/f/g/3"]
      for (const keys of [
        ["a/0", ...there],
        [...there, "z/none"],
        ["a/none/below", "a/1", "none", "b/c/2", "b/none", "d", "e/f/none", "e/f/g/3"],
      ]) {
        for (const one of there) await backend.put(one, [bytesOf(one)])
        await backend.put("kept", [bytesOf("kept")])
        same(await backend.delete(keys), [], `the failures of a delete of ${keys.join(", ")}`)
        sameKeys(await keysOf(backend, ""), ["kept"], `the keys after a delete of ${keys.join(", ")}`)
      }
    },
  },
  {
    name: "delete: keys that begin with a removed key stay",
    loses: "removing checkpoint 1 would remove checkpoints 10 to 19 as well.",
    async run({ backend }) {
      const kept = ["store/1.json", "store/1.json.old", "store/10", "store/1a", "store/1~", "store/1-x/2", "store1/1"]
      for (const one of kept) await backend.put(one, [bytesOf(one)])
      await backend.put("store/1", [bytesOf("removed")])
      same(await backend.delete(["store/1"]), [], "the failures of a delete of store/1")
      sameKeys(await keysOf(backend, ""), [...kept].sort(), "all that is listed after a delete of store/1")
      for (const one of kept) await holds(backend, one, bytesOf(one), `${one} after a delete of store/1`)
    },
  },
  {
    name: "delete: a key can be removed and created again, many times, by anyone",
    loses: "an id that was freed once could never be used again, or what was removed would come back.",
    async run({ backend, another }) {
      const backends = [backend, await another(), await another()]
      const by = (turn: number) => backends[turn % 3] ?? backend
      for (let round = 0; round < 6; round++) {
        const bytes = bytesOf(`round ${round}`)
        const { version } = await by(round).put(key, [bytes], { when: "absent" })
        await rejectsAs("precondition", by(round + 1).put(key, [bytes], { when: "absent" }), "a create (put) over it")
        // A neighbour comes and goes in between.
        await by(round + 2).put("folder/neighbour", [bytes])
        same(await by(round + 1).delete(["folder/neighbour"]), [], "the failures of a delete of its neighbour")
        for (const one of backends) sameBytes(await read(one, key), bytes, "the object after its neighbour was removed")
        if (round % 2 === 0) await by(round + 1).put(key, [bytes, bytes], { when: { version } })
        same(await by(round + 2).delete([key]), [], "the failures of its delete")
        for (const one of backends) await isAbsent(one, key, "after its delete")
      }
    },
  },
  {
    name: "delete: what is written beside a delete stays, and the delete is done when it resolves",
    loses: "a checkpoint that is saved while an older one is pruned would be removed with it.",
    async run({ backend, another }) {
      const other = await another()
      for (let round = 0; round < 8; round++) {
        const old = Array.from({ length: 12 }, (_, index) => `old/${round}-${index}`)
        await forEachConcurrently(old, (name) => backend.put(name, [bytesOf(name)]))
        const fresh = Array.from({ length: 12 }, (_, index) => `old/${round}-new-${index}`)
        const removing = outcome(backend.delete(old))
        const writing = fresh.map((name, index) =>
          (index % 2 === 0 ? backend : other).put(name, [bytesOf(name)], { when: "absent" }),
        )
        await Promise.all(writing)
        same((await removing).value, [], "the failures of a delete beside twelve creates")
        for (const name of old)
          same(await other.head(name), undefined, `${name} (head), as soon as its delete has resolved`)
        sameKeys(await keysOf(other, "old/"), [...fresh].sort(), "the keys after a delete beside twelve creates")
        await backend.delete(fresh)
      }
    },
  },
]
