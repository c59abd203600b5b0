import { bytesOf } from "../harness/bytes.js"
import type { BackendCase } from "../harness/case.js"
import { forEachConcurrently } from "../harness/concurrency.js"
import { checkBackendError, holds, isAbsent, keysOf, same, sameKeys } from "./support/check.js"

export const deleteCases: readonly BackendCase[] = [
  {
    name: "delete: exactly the given keys are removed",
    loses: "retention would remove checkpoints that it was told to keep, or report room that was never made.",
    async run({ backend, another }) {
      const keys = ["a/1", "a/10", "a/2", "a/b/1", "b/1"]
      for (const key of keys) await backend.put(key, [bytesOf(key)])
      same(await backend.delete(["a/1", "b/1"]), [], "the failures of a delete")
      for (const one of [backend, await another()]) {
        await isAbsent(one, "a/1", "after its delete")
        await isAbsent(one, "b/1", "after its delete")
        for (const key of ["a/10", "a/2", "a/b/1"])
          await holds(one, key, bytesOf(key), "an object that was not to be deleted")
        sameKeys(await keysOf(one, ""), ["a/10", "a/2", "a/b/1"], "all that is listed")
      }
    },
  },
  {
    name: "delete: a delete of an absent key succeeds",
    loses: "a prune that was interrupted could never be finished.",
    async run({ backend }) {
      same(await backend.delete([]), [], "the failures of a delete of nothing")
      same(await backend.delete(["a/none", "none"]), [], "the failures of a delete on an empty storage")
      await backend.put("a/1", [bytesOf("1")])
      same(
        await backend.delete(["a/0", "a/1", "a/none/below"]),
        [],
        "the failures of a delete of what is partly absent",
      )
      same(await backend.delete(["a/1"]), [], "the failures of a second delete")
      same(await keysOf(backend, ""), [], "all that is listed")
    },
  },
  {
    name: "delete: a delete of maxDeleteBatch keys removes all of them",
    loses: "retention would leave most of a large batch behind, and the storage would fill up.",
    async run({ backend, note }) {
      const count = Math.min(backend.capabilities.maxDeleteBatch, 1000)
      if (count < backend.capabilities.maxDeleteBatch) note(`tried with ${count} keys`)
      const keys = Array.from({ length: count }, (_, index) => `many/${index}`)
      // Every other key is absent, which must not change the answer for its neighbour.
      const present = keys.filter((_, index) => index % 2 === 0)
      await forEachConcurrently([...present, "many/kept"], (key) => backend.put(key, [bytesOf(key)]))
      same(await backend.delete(keys), [], `the failures of a delete of ${count} keys`)
      sameKeys(await keysOf(backend, ""), ["many/kept"], `the keys after a delete of ${count} keys`)
    },
  },
  {
    name: "delete: a delete of a key leaves the keys below it alone",
    loses: "removing one name would remove a whole store under it.",
    async run({ backend }) {
      for (const key of ["a/b/1", "a/b/2", "a/c"]) await backend.put(key, [bytesOf(key)])
      // "a/b" is absent. A storage with real folders may report that the name is taken, for that key alone.
      const failures = await backend.delete(["a/b", "a/c", "a/b/"])
      for (const { key, error } of failures) {
        same(["a/b", "a/b/"].includes(key), true, `it was asked to delete ${key}, and something is there`)
        checkBackendError(error, `the failure of ${key}`)
      }
      await isAbsent(backend, "a/c", "a key whose neighbour could not be deleted")
      for (const key of ["a/b/1", "a/b/2"]) await holds(backend, key, bytesOf(key), "the objects below")
    },
  },
]
