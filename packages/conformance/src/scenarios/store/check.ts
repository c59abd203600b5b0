import assert from "node:assert/strict"
import { BackendError, type CheckpointStore, type ObjectBackend, type PutOptions } from "@ckpt/core"
import { type CallInfo, intercept, recordCalls, withFaults, withoutCommit } from "../../harness/faults.js"
import type { Scenario } from "../../harness/scenario.js"
import { bytes, isProbe, manifestOf, refusal, saveAll, stateText } from "../support.js"

/** Calls that ask the storage something; the removal of the probe is none. */
const asks = ({ call, key }: CallInfo) => isProbe(key) && call !== "delete" && call !== "abandon"

/** A storage that sees the conditions of a single put as `seen` gives them. */
const seeing =
  (seen: (when: PutOptions["when"]) => PutOptions["when"]) =>
  (backend: ObjectBackend): ObjectBackend => ({
    ...intercept(backend, {}),
    put: (key, body, options = {}) => backend.put(key, body, { ...options, when: seen(options.when) }),
  })

const anyVersion = (when: PutOptions["when"]) => (typeof when === "object" ? undefined : when)

/** Storages that keep one promise less than the protocol needs, and how the refusal names it. */
const unfit: readonly [name: string, through: (backend: ObjectBackend) => ObjectBackend, told: RegExp][] = [
  [
    "create only if absent overwrites",
    seeing((when) => (when === "absent" ? undefined : when)),
    /overwrote .*create it only if absent/,
  ],
  [
    "create only if absent overwrites at the end of an upload in parts",
    (backend) => {
      const { parts } = backend
      // A storage without parts: there a stream goes another way.
      if (parts === undefined) {
        return {
          ...intercept(backend, {}),
          put: (key, body, options = {}) =>
            backend.put(key, body, { ...options, when: Array.isArray(body) ? options.when : undefined }),
        }
      }
      return {
        ...intercept(backend, {}),
        parts: { ...parts, begin: (key, { when: _, ...options }) => parts.begin(key, options) },
      }
    },
    /overwrote .*at the end of an upload in parts/,
  ],
  [
    "replace this version replaces any version",
    seeing(anyVersion),
    /replaced .*only a version that is no longer there/,
  ],
  [
    "replace this version replaces any version at the end of an upload in parts",
    (backend) => {
      const { parts } = backend
      if (parts === undefined) {
        return {
          ...intercept(backend, {}),
          put: (key, body, options = {}) =>
            backend.put(key, body, { ...options, when: Array.isArray(body) ? options.when : anyVersion(options.when) }),
        }
      }
      return {
        ...intercept(backend, {}),
        parts: { ...parts, begin: (key, options) => parts.begin(key, { ...options, when: anyVersion(options.when) }) },
      }
    },
    /replaced .*at the end of an upload in parts .*only a version that is no longer there/,
  ],
  [
    "replace this version refuses the version that the storage told",
    seeing((when) => (typeof when === "object" ? { version: `${when.version}-gzip` } : when)),
    /refused to replace .*had itself told/,
  ],
  [
    "a listing lags behind",
    (backend) => ({ ...intercept(backend, {}), async *list() {} }),
    /did not list .*right after it was written/,
  ],
  [
    "a read lags behind",
    (backend) => ({ ...intercept(backend, {}), get: async () => undefined }),
    /did not show .*right after it was written/,
  ],
]

/** Every operation that writes to a storage for the first time. */
const writers: readonly [name: string, run: (store: CheckpointStore) => Promise<unknown>][] = [
  ["save", (store) => store.save(manifestOf(1), { state: bytes("s") })],
  ["writeState", (store) => store.writeState(1, bytes("s"))],
  ["pin", (store) => store.pin(1, "a")],
]

export const checkScenarios: readonly Scenario[] = [
  ...unfit.map(
    ([name, through, told]): Scenario => ({
      name: `check before the first write: ${name}: CKPT_UNSUPPORTED, and nothing is written`,
      async run({ open, allKeys }) {
        for (const [operation, run] of writers) {
          const { message } = await refusal(run(await open({ through })), "CKPT_UNSUPPORTED")
          assert.match(message, told, operation)
        }
        assert.deepEqual(await allKeys(), [])
      },
    }),
  ),
  {
    name: "check before the first write: where any version is replaced, nobody can claim, so no two writers lead at once",
    layout: "objects",
    async run({ open, allKeys, raw }) {
      if (raw.capabilities.compareAndSwap !== "storage") return
      const through = seeing(anyVersion)
      await refusal((await open({ through })).claim(), "CKPT_UNSUPPORTED")
      assert.deepEqual(await allKeys(), [])
    },
  },
  {
    name: "a storage that refuses its own version later on: told as such after one try, and no save is lost",
    async run({ open, keys, events, raw }) {
      let swaps = 0
      // As behind a proxy that compresses, and changes the ETags of, long objects only.
      const through = (backend: ObjectBackend) =>
        intercept(withoutCommit(backend), {
          async around(info, proceed) {
            if (info.call !== "put" || typeof info.when !== "object" || isProbe(info.key)) return proceed()
            swaps++
            throw new BackendError("precondition", "412")
          },
        })
      const other = await open()
      await saveAll(other, 1, 2)
      // So that there is a history to replace.
      await other.pin(2, "kept")
      const store = await open({ through })
      const sameAsTold = /refuses to replace version .* although it tells this version itself/
      const refused = async (call: Promise<unknown>) => {
        swaps = 0
        assert.match((await refusal(call, "CKPT_UNSUPPORTED")).message, sameAsTold)
        assert.equal(swaps, 1)
      }
      await refused(store.update(2, (current) => ({ ...current, epoch: 9 })))
      await refused(store.prune({ last: 1 }))
      await refused(store.pin(1, "a"))
      if (raw.capabilities.compareAndSwap === "storage") await refused(store.claim())
      swaps = 0
      assert.deepEqual((await store.save(manifestOf(3))).isLatest, false)
      assert.equal(swaps, 1)
      assert.ok(events.some((event) => event.type === "pointer-failed" && event.id === 3))
      assert.deepEqual(await (await open()).ids(), [1, 2, 3])
      assert.ok((await raw.head(keys.manifest(3))) !== undefined)
    },
  },
  {
    name: "check before the first write: a condition that the storage does not implement is CKPT_UNSUPPORTED, and its name is told",
    async run({ layout, raw, open, allKeys }) {
      // There a save is one commit, which needs no condition. Whatever does need one is told so by its own request.
      const needsNone = layout === "directory" && raw.commit !== undefined
      const missing = (kind: "absent" | "version") => (backend: ObjectBackend) =>
        withFaults(backend, {
          on: ({ call, key, when }) => call === "put" && isProbe(key) && (when === "absent") === (kind === "absent"),
          at: "before",
          error: () => new BackendError("unsupported", `501: the header of ${kind} is not implemented`),
        })
      for (const kind of ["absent", "version"] as const) {
        const store = await open({ through: missing(kind) })
        if (needsNone) {
          const { outcome } = await store.save(manifestOf(kind === "absent" ? 1 : 2))
          assert.equal(outcome, "created")
          continue
        }
        const { message, retryable } = await refusal(store.save(manifestOf(1)), "CKPT_UNSUPPORTED")
        assert.match(message, new RegExp(`the header of ${kind} is not implemented`))
        assert.equal(retryable, false)
      }
      if (!needsNone) assert.deepEqual(await allKeys(), [])
    },
  },
  {
    name: "check before the first write: a probe that another store removes meanwhile proves nothing, and the save succeeds",
    async run({ open, raw, allKeys }) {
      const probes = async () => (await allKeys()).filter(isProbe)
      let requests = Number.POSITIVE_INFINITY
      for (let at = 0; at < requests; at++) {
        let asked = 0
        const store = await open({
          through: (backend) =>
            intercept(backend, {
              async around(info, proceed) {
                if (asks(info) && asked++ === at) await raw.delete(await probes())
                return proceed()
              },
            }),
        })
        await saveAll(store, at + 1)
        // The first run tells how many requests a check has that nothing disturbs.
        if (at === 0) requests = await requestsOfCheck(open)
        assert.ok(asked >= requests, `${asked} requests, where an undisturbed check has ${requests}`)
        assert.deepEqual(await probes(), [])
      }
      assert.ok(requests > 5, `${requests} requests`)
    },
  },
  {
    name: "check before the first write: lost answers to any of its requests leave its result as it is",
    async run({ open, allKeys }) {
      const requests = await requestsOfCheck(open)
      for (const at of ["before", "after"] as const) {
        for (let skip = 0; skip < requests; skip++) {
          const error = () => new BackendError("ambiguous", "the connection was reset")
          const through = (backend: ObjectBackend) => withFaults(backend, { on: asks, at, error, skip, times: 1 })
          await saveAll(await open({ through }), 100 + skip + (at === "before" ? 0 : requests))
          assert.deepEqual((await allKeys()).filter(isProbe), [])
        }
      }
    },
  },
  {
    name: "check before the first write: a collection without a limit beside it leaves its probe alone",
    async run({ open, allKeys }) {
      const other = await open()
      await saveAll(other, 1)
      let collected = 0
      const store = await open({
        through: (backend) =>
          intercept(backend, {
            async around(info, proceed) {
              if (asks(info)) {
                const report = await other.collectOrphans({ olderThanMs: 0 })
                assert.deepEqual(report.removed.filter(isProbe), [])
                collected++
              }
              return proceed()
            },
          }),
      })
      await saveAll(store, 2)
      assert.ok(collected > 5, `${collected} collections`)
      assert.deepEqual((await allKeys()).filter(isProbe), [])
    },
  },
  {
    name: "check before the first write: saves at once share one check, and later writes ask nothing",
    async run({ open, peek, keys }) {
      let counter: ReturnType<typeof recordCalls> | undefined
      const store = await open({
        through(backend) {
          counter = recordCalls(backend)
          return counter.backend
        },
      })
      await Promise.all([1, 2, 3].map((id) => saveAll(store, id)))
      const asked = () => counter?.calls.filter(asks).length
      const first = asked()
      await saveAll(store, 4)
      assert.equal(asked(), first)
      assert.deepEqual(await peek(keys.state(4)), bytes(stateText(4)))
    },
  },
]

/** The number of requests of a check that nothing disturbs. */
async function requestsOfCheck(
  open: (options: { through(backend: ObjectBackend): ObjectBackend }) => Promise<CheckpointStore>,
): Promise<number> {
  let counter: ReturnType<typeof recordCalls> | undefined
  const store = await open({
    through(backend) {
      counter = recordCalls(backend)
      return counter.backend
    },
  })
  await saveAll(store, 1_000)
  return counter?.calls.filter(asks).length ?? 0
}
