import assert from "node:assert/strict"
import { BackendError, CheckpointError, type ObjectBackend } from "@ckpt/core"
import { intercept, recorder } from "../../harness/faults.js"
import type { Scenario } from "../../harness/scenario.js"
import { operations } from "../operations.js"
import { assertRecovers, listAll, refusal, rejection, saveAll } from "../support.js"

const writes = ["save", "saveNext", "nextManifest", "writeState", "update", "remove", "prune", "collectOrphans"]

/** Opening and closing stores, their options, and their errors. */
export const storeScenarios: readonly Scenario[] = [
  {
    name: "input: a read-only store refuses every write, reads everything and makes no write request",
    async run({ open }) {
      await saveAll(await open(), 1, 2)
      const { calls, through } = recorder()
      const store = await open({ through, readOnly: true, retain: { last: 1 } })
      for (const [name, run] of Object.entries(operations)) {
        if (writes.includes(name)) assert.match((await refusal(run(store), "CKPT_READ_ONLY")).message, /readOnly/)
        else await run(store)
      }
      await assertRecovers(store, 2)
      const wrote = calls.filter(({ call }) => ["put", "delete", "commit", "leftovers"].includes(call))
      assert.deepEqual(wrote, [])
      assert.deepEqual(await store.ids(), [1, 2])
    },
  },
  {
    name: "input: a closed store refuses every operation, and may be closed again",
    async run({ open }) {
      await saveAll(await open(), 1, 2)
      const { calls, through } = recorder()
      const store = await open({ through })
      await store.close()
      await store.close()
      await store[Symbol.asyncDispose]()
      for (const run of Object.values(operations)) await refusal(run(store), "CKPT_CLOSED")
      assert.deepEqual(calls, [])
    },
  },
  {
    name: "input: close waits for saves under way",
    async run({ open }) {
      const store = await open()
      const saving = [1, 2, 3].map((id) => saveAll(store, id))
      await store.close()
      await Promise.all(saving)
      assert.deepEqual(await (await open()).ids(), [1, 2, 3])
    },
  },
  {
    name: "input: opening a store makes no request and creates no object",
    async run({ open, allKeys }) {
      const { calls, through } = recorder()
      const store = await open({ through })
      assert.deepEqual(calls, [])
      assert.deepEqual([await store.recover().then(({ outcome }) => outcome), await store.nextId()], ["fresh", 1])
      assert.deepEqual(await listAll(store), [])
      assert.ok(!calls.some(({ call }) => call === "put" || call === "commit"))
      assert.deepEqual(await allKeys(), [])
    },
  },
  {
    name: "input: invalid options are CKPT_INVALID when a store is opened",
    async run({ open }) {
      const odd: object[] = [
        ...[0, 65_536, 1.5, Number.NaN].map((vnodeCount) => ({ expect: { vnodeCount } })),
        ...[0, -1, 1.5, Number.NaN].map((attempts) => ({ retry: { attempts } })),
        ...[-1, Number.NaN].map((timeoutMs) => ({ timeoutMs })),
        ...[
          "../x",
          "/x",
          "a//b",
          "a/./b",
          "a\\b",
          "a\u0000",
          "a\ufffe",
          "a/\uffff/b",
          "%2e%2e/x",
          "x".repeat(1_000),
        ].map((prefix) => ({
          prefix,
        })),
      ]
      for (const options of odd) await refusal(open(options), "CKPT_INVALID")
    },
  },
  {
    name: "input: stores under different prefixes do not see each other",
    async run({ open, allKeys }) {
      const [a, b, nested] = [
        await open({ prefix: "team/a" }),
        await open({ prefix: "team/ab/" }),
        await open({ prefix: "team/a/sub" }),
      ]
      await saveAll(a, 1)
      await saveAll(b, 2)
      await saveAll(nested, 3)
      await a.collectOrphans({ olderThanMs: 0 })
      await saveAll(a, 4)
      await a.prune({ last: 1 })
      assert.deepEqual([await a.ids(), await b.ids(), await nested.ids()], [[4], [2], [3]])
      for (const key of await allKeys()) assert.match(key, /^team\/(?:a|ab|a\/sub)\/(?:checkpoints|manifests)\//)
    },
  },
  {
    name: "input: errors of another copy of core are recognised",
    async run({ open, keys }) {
      const brand = (name: string, more: object) =>
        Object.assign(new Error("of another copy"), { [Symbol.for(`@ckpt/core.${name}`)]: true, ...more })
      assert.ok(brand("CheckpointError", { code: "CKPT_CONFLICT" }) instanceof CheckpointError)
      assert.ok(!(new Error("plain") instanceof CheckpointError))
      const foreign = brand("BackendError", { kind: "permanent", unsettleable: false })
      assert.ok(foreign instanceof BackendError)

      await saveAll(await open(), 1)
      let thrown: unknown = foreign
      const through = (backend: ObjectBackend) =>
        intercept(backend, {
          async around({ call, key }, proceed) {
            if (call === "get" && key === keys.manifest(1)) throw thrown
            return proceed()
          },
        })
      const store = await open({ through })
      const error = await refusal(store.load(1), "CKPT_IO", 1)
      assert.equal(error.cause, foreign)
      thrown = brand("BackendError", { kind: "damaged", unsettleable: false })
      await refusal(store.load(1), "CKPT_CORRUPT", 1)
      // Any other error is a mistake of the adapter, and reaches the caller as it is.
      thrown = new TypeError("a bug")
      assert.equal(await rejection(store.load(1)), thrown)
    },
  },
]
