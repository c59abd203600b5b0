import { BackendError, type ObjectBackend } from "@ckpt/core"
import { listAll, tick } from "../mutants/support.js"
import type { Liar } from "./support.js"

const removing =
  (remove: (keys: readonly string[], real: ObjectBackend) => ReturnType<ObjectBackend["delete"]>) =>
  (real: ObjectBackend): Partial<ObjectBackend> => ({
    delete: (keys, options) => {
      options?.signal?.throwIfAborted()
      return remove(keys, real)
    },
  })

/** Faults of removals. */
export const deleteLiars: readonly Liar[] = [
  {
    name: "a key twice in one delete is a failure of the second",
    caughtBy: ["abort: a call with an aborted signal rejects with its reason and changes nothing"],
    of: removing(async (keys, real) => {
      const failures = await real.delete(keys)
      const twice = keys.filter((key, index) => keys.indexOf(key) !== index)
      return [...failures, ...twice.map((key) => ({ key, error: new BackendError("permanent", "not found") }))]
    }),
  },
  {
    name: "a key twice in one delete fails the whole delete",
    caughtBy: ["abort: a call with an aborted signal rejects with its reason and changes nothing"],
    of: removing(async (keys, real) => {
      if (new Set(keys).size < keys.length) throw new BackendError("permanent", "400: a key twice")
      return real.delete(keys)
    }),
  },
  {
    name: "a key twice in one delete keeps its object",
    caughtBy: ["abort: a call with an aborted signal rejects with its reason and changes nothing"],
    of: removing((keys, real) =>
      real.delete(keys.filter((key, index) => keys.indexOf(key) === keys.lastIndexOf(key) && index >= 0)),
    ),
  },
  {
    name: "a delete ends at the first key that is absent",
    caughtBy: ["delete: a delete of maxDeleteBatch keys removes all of them"],
    of: removing(async (keys, real) => {
      for (const key of keys) {
        if ((await real.head(key)) === undefined) return []
        await real.delete([key])
      }
      return []
    }),
  },
  {
    name: "a delete with an absent key among others removes nothing",
    caughtBy: ["delete: a delete of maxDeleteBatch keys removes all of them"],
    of: removing(async (keys, real) => {
      const found = await Promise.all(keys.map((key) => real.head(key)))
      return found.includes(undefined) ? [] : real.delete(keys)
    }),
  },
  {
    name: "an absent key is a failure",
    caughtBy: ["list: an empty storage lists nothing"],
    of: removing(async (keys, real) => {
      const absent: string[] = []
      for (const key of keys) if ((await real.head(key)) === undefined) absent.push(key)
      await real.delete(keys)
      return absent.map((key) => ({ key, error: new BackendError("permanent", "404") }))
    }),
  },
  {
    name: "a delete removes whatever begins with its key",
    caughtBy: ["delete: a delete of a key leaves the keys below it alone"],
    of: removing(async (keys, real) => {
      const all = await listAll(real, "")
      return real.delete(all.map(({ key }) => key).filter((key) => keys.some((one) => key.startsWith(one))))
    }),
  },
  {
    name: "a delete removes the folder of its key when it was the first there",
    caughtBy: ["abort: a call with an aborted signal rejects with its reason and changes nothing"],
    of: removing(async (keys, real) => {
      for (const key of keys) {
        const beside = await listAll(real, `${key}.`)
        await real.delete([key, ...beside.map((meta) => meta.key)])
      }
      return []
    }),
  },
  {
    name: "a delete of more than 100 keys removes 100",
    caughtBy: ["delete: a delete of maxDeleteBatch keys removes all of them"],
    of: removing((keys, real) => real.delete(keys.slice(0, 100))),
  },
  {
    name: "a delete of more than 500 keys removes 500",
    caughtBy: ["delete: a delete of maxDeleteBatch keys removes all of them"],
    of: removing((keys, real) => real.delete(keys.slice(0, 500))),
  },
  {
    name: "a full delete lacks its last key",
    caughtBy: ["abort: a call with an aborted signal rejects with its reason and changes nothing"],
    of: removing((keys, real) =>
      real.delete(keys.length === real.capabilities.maxDeleteBatch ? keys.slice(0, -1) : keys),
    ),
  },
  {
    name: "a delete resolves before the objects are gone",
    caughtBy: ["delete: a delete of an absent key succeeds"],
    of: removing(async (keys, real) => {
      void tick()
        .then(tick)
        .then(() => real.delete(keys))
      return []
    }),
  },
  {
    name: "a delete without keys removes everything",
    caughtBy: ["abort: a call with an aborted signal rejects with its reason and changes nothing"],
    of: removing(async (keys, real) =>
      real.delete(keys.length === 0 ? (await listAll(real, "")).map(({ key }) => key) : keys),
    ),
  },
  {
    name: "a delete without keys fails",
    caughtBy: ["delete: a delete of an absent key succeeds"],
    of: removing(async (keys, real) => {
      if (keys.length === 0) throw new BackendError("permanent", "400: MalformedXML")
      return real.delete(keys)
    }),
  },
  {
    name: "a removed key can never be created again",
    caughtBy: ["create: a create after a delete succeeds"],
    of: (real) => {
      const gone = new Set<string>()
      return {
        async delete(keys, options) {
          for (const key of keys) if ((await real.head(key)) !== undefined) gone.add(key)
          return real.delete(keys, options)
        },
        async put(key, body, options) {
          if (options?.when === "absent" && gone.has(key)) throw new BackendError("precondition", `${key} was removed`)
          return real.put(key, body, options)
        },
      }
    },
  },
  {
    name: "a second removal of a key does nothing",
    caughtBy: ["create: a create after a delete succeeds"],
    of: (real) => {
      const gone = new Set<string>()
      return {
        async delete(keys, options) {
          const todo = keys.filter((key) => !gone.has(key))
          for (const key of todo) if ((await real.head(key)) !== undefined) gone.add(key)
          return real.delete(todo, options)
        },
      }
    },
  },
  {
    name: "a delete of keys in two folders removes those of the first",
    caughtBy: ["delete: exactly the given keys are removed"],
    of: removing((keys, real) => {
      const folder = (key: string) => key.slice(0, key.lastIndexOf("/") + 1)
      return real.delete(keys.filter((key) => folder(key) === folder(keys[0]!)))
    }),
  },
]
