import { bytesOf } from "../harness/bytes.js"
import type { BackendCase } from "../harness/case.js"
import { fail, holds, outcome, readAll, rejectsAs, same } from "./support/check.js"

const key = "folder/object"

export const errorCases: readonly BackendCase[] = [
  {
    name: "errors: a refused condition is a BackendError of kind precondition",
    loses: "core would take a conflict for an outage and try it again, or an outage for a conflict and burn the id.",
    async run({ backend }) {
      const { version } = await backend.put(key, [bytesOf("old")])
      await backend.put(key, [bytesOf("new")])
      const provoked = {
        "a create where an object is": () => backend.put(key, [], { when: "absent" }),
        "a replace of a stale version": () => backend.put(key, [], { when: { version } }),
        "a replace of nothing": () => backend.put("folder/none", [], { when: { version } }),
        "get of a stale version": () => backend.get(key, { ifVersion: version }),
        "get from past the end": async () => {
          const content = await backend.get(key, { range: { offset: 10 } })
          return content && readAll(content)
        },
      }
      for (const [what, call] of Object.entries(provoked)) {
        // A caller that awaits a rejection would miss an error that is thrown at once.
        let promise: Promise<unknown>
        try {
          promise = call()
        } catch (error) {
          fail(what, "a promise that rejects", `it threw ${String(error)}`)
        }
        await rejectsAs("precondition", promise, what)
      }
    },
  },
  {
    name: "errors: a write after 160 refusals succeeds",
    loses: "one refused write would make every later write fail.",
    async run({ backend }) {
      await backend.put(key, [bytesOf("1")])
      await Promise.all(Array.from({ length: 80 }, () => outcome(backend.put(key, [bytesOf("2")], { when: "absent" }))))
      await Promise.all(Array.from({ length: 80 }, () => outcome(backend.get(key, { ifVersion: "no such version" }))))
      await backend.put("folder/next", [bytesOf("3")])
      await holds(backend, "folder/next", bytesOf("3"), "a write after 160 refusals")
    },
  },
  {
    name: "errors: the backend has a name and its capabilities",
    loses: "core would choose a weaker way to swap than the storage has, or one that the storage does not have.",
    async run({ backend }) {
      const { name, capabilities } = backend
      if (typeof name !== "string" || name === "") fail("the name", "a short name", name)
      same(typeof capabilities.compareAndSwap, "string", "capabilities.compareAndSwap")
      const { maxDeleteBatch } = capabilities
      if (!Number.isInteger(maxDeleteBatch) || maxDeleteBatch < 1) {
        fail("capabilities.maxDeleteBatch", "a whole number from 1", maxDeleteBatch)
      }
    },
  },
]
