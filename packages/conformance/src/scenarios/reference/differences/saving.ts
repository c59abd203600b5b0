import assert from "node:assert/strict"
import type { ObjectBackend } from "@ckpt/core"
import { untilAborted } from "@ckpt/core/adapter"
import { intercept, permanent, recordCalls, transient, withFaults } from "../../../harness/faults.js"
import type { Scenario } from "../../../harness/scenario.js"
import { takingStreams } from "../../../harness/streams.js"
import { never } from "../../../harness/waiting.js"
import { bytes, flipped, manifestOf, readAll, refusal, rejection, saveAll, stateText, text } from "../../support.js"

/** Differences from the reference in writing. Each scenario fails on the behaviour of the reference. */
export const savingDifferences: readonly Scenario[] = [
  {
    name: "a save of a taken id with other content is CKPT_CONFLICT and leaves the winner untouched",
    async run({ open, keys, peek }) {
      const winner = await open()
      await saveAll(winner, 1)
      const before = await peek(keys.manifest(1))
      const loser = await open()
      await refusal(loser.save(manifestOf(1, { epoch: 9 }), { state: bytes("another state") }), "CKPT_CONFLICT", 1)
      assert.deepEqual(await peek(keys.manifest(1)), before)
      assert.equal(text(await peek(keys.state(1))), stateText(1))
      assert.deepEqual(await loser.verify(1), { id: 1, valid: true, issues: [] })
    },
  },
  {
    name: "a save of a taken id is CKPT_CONFLICT too if only the manifest differs, or only the state is missing",
    async run({ open }) {
      const store = await open()
      const first = manifestOf(1)
      await store.save(first, { state: bytes("same") })
      await refusal(store.save({ ...first, epoch: 2 }, { state: bytes("same") }), "CKPT_CONFLICT", 1)
      await refusal((await open()).save(first), "CKPT_CONFLICT", 1)
      assert.equal((await store.load(1))?.epoch, 1)
      assert.equal(await readAll(await store.readState(1)), "same")
    },
  },
  {
    name: "a save leaves objects alone that have the reference's temporary names",
    async run({ open, keys, plant, peek }) {
      const strangers = [keys.pointer, keys.manifest(1), keys.state(1)].flatMap((key) => [
        `${key}.tmp`,
        `${key.slice(0, key.lastIndexOf(".") + 1)}tmp`,
      ])
      // Without those in the directory of checkpoint 1, which would take its name.
      const beside = strangers.filter((key) => !key.startsWith("checkpoints/checkpoint_"))
      for (const key of beside) await plant(key, "somebody's")
      await saveAll(await open(), 1)
      for (const key of beside) assert.equal(text(await peek(key)), "somebody's")
      assert.equal(text(await peek(keys.state(1))), stateText(1))
    },
  },
  {
    name: "a save asks a streamed state for at most 2 MiB more than the storage has taken",
    async run({ open }) {
      const chunk = 1024 * 1024
      let given = 0
      let taken = 0
      let ahead = 0
      async function* source() {
        for (let index = 0; index < 24; index++) {
          given += chunk
          ahead = Math.max(ahead, given - taken)
          yield new Uint8Array(chunk).fill(index)
        }
      }
      async function* counted(body: Iterable<Uint8Array> | AsyncIterable<Uint8Array>) {
        for await (const piece of body) {
          taken += piece.length
          yield piece
        }
      }
      const through = (backend: ObjectBackend): ObjectBackend => {
        const { put, commit, ...rest } = takingStreams(backend)
        return {
          ...rest,
          put: (key, body, options) => put(key, counted(body), options),
          ...(commit === undefined
            ? {}
            : {
                commit: (batch, options) => {
                  const create = batch.create.map(({ key, body }) => ({
                    key,
                    body: typeof body === "function" ? body : counted(body),
                  }))
                  return commit({ ...batch, create }, options)
                },
              }),
        }
      }
      const receipt = await (await open({ through })).save(manifestOf(1), { state: source() })
      assert.equal(receipt.stateSize, 24 * chunk)
      assert.ok(ahead <= 2 * chunk, `${ahead} bytes were asked of the source before the storage took them`)
    },
  },
  {
    name: "a save tries a transient failure again, and a permanent one never",
    async run({ open, allKeys }) {
      const isWrite = ({ call }: { call: string }) => call === "put" || call === "commit"
      let counter = recordCalls(
        await backendOf(open, (b) => withFaults(b, { on: isWrite, at: "before", error: permanent })),
      )
      const refused = await refusal((await open({ through: () => counter.backend })).save(manifestOf(1)), "CKPT_IO")
      assert.equal(refused.retryable, false)
      assert.equal(counter.calls.filter(isWrite).length, 1)
      assert.deepEqual(await allKeys(), [])

      counter = recordCalls(
        await backendOf(open, (b) => withFaults(b, { on: isWrite, at: "before", error: transient, times: 3 })),
      )
      const receipt = await (await open({ through: () => counter.backend })).save(manifestOf(1))
      assert.equal(receipt.outcome, "created")
    },
  },
  {
    name: "an abort ends the wait between two attempts and rejects with the signal's own reason",
    async run({ open }) {
      const abort = new AbortController()
      const reason = new Error("enough")
      const clock = {
        now: () => 0,
        monotonic: () => 0,
        sleep(ms: number, signal?: AbortSignal) {
          if (ms < 5_000) abort.abort(reason)
          return untilAborted(never(), signal)
        },
      }
      const through = (backend: ObjectBackend) =>
        withFaults(backend, { on: () => true, at: "before", error: transient })
      const store = await open({ through, clock })
      assert.equal(await rejection(store.loadLatest({ signal: abort.signal })), reason)
    },
  },
  {
    name: "a storage that ignores conditions is CKPT_UNSUPPORTED for writers before anything is written",
    async run({ open, allKeys }) {
      const through = (backend: ObjectBackend): ObjectBackend => ({
        ...intercept(backend, {}),
        put: (key, body, { when: _, ...options } = {}) => backend.put(key, body, options),
      })
      const store = await open({ through })
      await refusal(store.save(manifestOf(1), { state: bytes("s") }), "CKPT_UNSUPPORTED")
      await refusal(store.writeState(1, bytes("s")), "CKPT_UNSUPPORTED")
      assert.deepEqual(await allKeys(), [])
      // Reading is still safe.
      assert.equal((await store.recover()).outcome, "fresh")
    },
  },
  {
    name: "id 0 and epoch 0 are CKPT_INVALID when saved and fatal when read",
    async run({ open, keys, plant, peek, allKeys }) {
      const store = await open()
      await refusal(store.save({ ...manifestOf(1), checkpointId: 0 }), "CKPT_INVALID", 0)
      await refusal(store.save({ ...manifestOf(1), epoch: 0 }), "CKPT_INVALID", 1)
      assert.deepEqual(await allKeys(), [])

      await saveAll(store, 1)
      for (const [id, body] of [
        [2, `{"version":1,"checkpoint_id":2,"epoch":0,"timestamp_ms":1}`],
        [0, `{"version":1,"checkpoint_id":0,"epoch":1,"timestamp_ms":1}`],
      ] as const) {
        await plant(keys.manifest(id), body)
        const { valid, issues } = await store.verify(id)
        assert.equal(valid, false)
        assert.ok(issues.some((issue) => issue.code === (id === 0 ? "id-zero" : "epoch-zero")))
      }
      const found = await store.recover()
      assert.equal(found.checkpoint?.id, 1)
      assert.notEqual(await peek(keys.manifest(0)), undefined)
    },
  },
  {
    name: "a changed byte in a manifest fails the manifest's own checksum",
    async run({ open, keys, peek, plant }) {
      const store = await open()
      const offsets = { orders: { epoch: 3, offsets: { "0": "1042" } } }
      await store.save(manifestOf(1, { sourceOffsets: offsets }))
      await store.save(manifestOf(2, { sourceOffsets: offsets }))
      const good = await peek(keys.manifest(2))
      await plant(keys.manifest(2), flipped(good, text(good).indexOf("1042") + 3))
      const found = await store.recover()
      assert.equal(found.checkpoint?.id, 1)
      assert.equal(found.skipped[0]?.issues[0]?.code, "manifest-checksum")
      await refusal(store.load(2), "CKPT_CORRUPT", 2)
    },
  },
]

async function backendOf(
  open: Parameters<Scenario["run"]>[0]["open"],
  change: (backend: ObjectBackend) => ObjectBackend,
): Promise<ObjectBackend> {
  let changed: ObjectBackend | undefined
  await open({
    through(backend) {
      changed = change(backend)
      return changed
    },
  })
  return changed as ObjectBackend
}
