import assert from "node:assert/strict"
import type { Checkpoint, Progress } from "@ckpt/core"
import { manifestToJson, parseManifest } from "@ckpt/core"
import { intercept } from "../../harness/faults.js"
import type { Scenario } from "../../harness/scenario.js"
import { never } from "../../harness/waiting.js"
import { damaging } from "../state/bodies.js"
import { bytes, flipped, manifestOf, readAll, rejection, saveAll, stateText, text } from "../support.js"

const read = async (checkpoint: Checkpoint) => readAll(await checkpoint.state())
const readOperator = async (checkpoint: Checkpoint, name: string) => text(await checkpoint.operator(name))
/** The states of operators a and b in checkpoint `id`. */
const twoOf = (id: number) => ({ a: bytes(`a of ${id}`), b: bytes(`b of ${id}`) })

export const restoreScenarios: readonly Scenario[] = [
  {
    name: "restore: the visitor's value of the latest checkpoint is returned",
    async run({ open }) {
      const store = await open()
      await saveAll(store, 1, 2)
      const seen: Progress[] = []
      const restored = await store.restore(read, { onProgress: (progress) => seen.push(progress) })
      assert.equal(restored.outcome, "recovered")
      assert.deepEqual([restored.value, restored.checkpoint?.id, restored.nextId], [stateText(2), 2, 3])
      assert.deepEqual([restored.skipped, restored.examined], [[], 1])
      const { length } = stateText(2)
      assert.deepEqual(seen.at(-1), { phase: "read", bytesDone: length, bytesTotal: length })
    },
  },
  {
    name: "restore: a checkpoint that turns out damaged while it is read is skipped for the next older one",
    async run({ open, keys, plant, peek }) {
      const store = await open()
      await saveAll(store, 1, 2, 3)
      await plant(keys.state(3), flipped(await peek(keys.state(3))))
      const visited: number[] = []
      const restored = await store.restore(async (checkpoint) => {
        visited.push(checkpoint.id)
        return read(checkpoint)
      })
      assert.deepEqual(visited, [3, 2])
      assert.deepEqual([restored.value, restored.checkpoint?.id, restored.nextId], [stateText(2), 2, 4])
      assert.deepEqual(
        restored.skipped.map(({ id, issues }) => [id, issues.at(-1)?.code, issues.at(-1)?.severity]),
        [[3, "state-checksum", "fatal"]],
      )
      // Retention does not count the damaged checkpoint from now on.
      await store.prune({ last: 1 })
      assert.equal((await store.restore(read)).value, stateText(2))
    },
  },
  {
    name: "restore: a checkpoint is skipped for its damage even if the visitor swallows the error",
    async run({ open, keys, plant, peek }) {
      const store = await open()
      await saveAll(store, 1, 2)
      await plant(keys.state(2), flipped(await peek(keys.state(2))))
      const restored = await store.restore((checkpoint) => read(checkpoint).catch(() => "nothing"))
      assert.equal(restored.value, stateText(1))
    },
  },
  {
    name: "restore: only the operators that are read must verify",
    async run({ open, keys, plant, peek }) {
      const store = await open()
      for (const id of [1, 2]) await store.save(manifestOf(id), { operators: twoOf(id), inlineThreshold: 0 })
      const stored = (await peek(keys.state(2))) as Uint8Array
      await plant(keys.state(2), flipped(stored, stored.length - 1))
      assert.equal((await store.restore((checkpoint) => readOperator(checkpoint, "a"))).value, "a of 2")
      assert.equal((await store.restore((checkpoint) => readOperator(checkpoint, "b"))).value, "b of 1")
      const deep = await (await open()).restore((checkpoint) => readOperator(checkpoint, "b"), { depth: "deep" })
      assert.equal(deep.value, "b of 1")
    },
  },
  {
    name: "restore: operators without checksums of their own are verified by the checksum of the whole state",
    async run({ open, keys, plant, peek }) {
      const store = await open()
      for (const id of [1, 2]) {
        await store.save(manifestOf(id), { operators: twoOf(id), inlineThreshold: 0 })
        const { operatorChecksums: _, ...older } = parseManifest((await peek(keys.manifest(id))) as Uint8Array)
        await plant(keys.manifest(id), manifestToJson(older))
      }
      const given: (string | undefined)[] = []
      const both = async (checkpoint: Checkpoint) => {
        for (const name of ["a", "b"]) given.push(await readOperator(checkpoint, name))
        return given.slice(-2)
      }
      assert.deepEqual((await store.restore(both)).value, ["a of 2", "b of 2"])
      const stored = (await peek(keys.state(2))) as Uint8Array
      await plant(keys.state(2), flipped(stored, 0))
      given.length = 0
      assert.deepEqual((await store.restore(both)).value, ["a of 1", "b of 1"])
      // No operator of the damaged checkpoint was handed over: nobody can tell which one is whole.
      assert.deepEqual(given, ["a of 1", "b of 1"])
    },
  },
  {
    name: "restore: a state that fails the storage's checksum every time is skipped",
    async run({ open, keys }) {
      await saveAll(await open(), 1, 2)
      const store = await open({ through: (backend) => damaging(backend, keys.state(2), true, () => true) })
      assert.equal((await store.restore(read)).value, stateText(1))
    },
  },
  {
    name: "restore: a deep restore reports the progress of the verification too",
    async run({ open }) {
      await saveAll(await open(), 1)
      const phases: string[] = []
      const onProgress = ({ phase }: Progress) => void phases.push(phase)
      await (await open()).restore(read, { depth: "deep", onProgress })
      assert.deepEqual([...new Set(phases)], ["verify", "read"])
    },
  },
  {
    name: "restore: an error of the visitor or an abort ends restore with that very reason",
    async run({ open }) {
      const store = await open()
      await saveAll(store, 1, 2)
      const mine = new Error("mine")
      assert.equal(
        await rejection(
          store.restore(async () => {
            throw mine
          }),
        ),
        mine,
      )
      const stop = new AbortController()
      const reason = new Error("enough")
      const aborted = store.restore(
        async () => {
          stop.abort(reason)
          return never()
        },
        { signal: stop.signal },
      )
      assert.equal(await rejection(aborted), reason)
    },
  },
  {
    name: "restore: the outcomes fresh and exhausted are those of recover",
    async run({ open, keys, plant, peek }) {
      const store = await open()
      assert.equal((await store.restore(read)).outcome, "fresh")
      await saveAll(store, 1)
      await plant(keys.state(1), flipped(await peek(keys.state(1))))
      const restored = await store.restore(read)
      assert.deepEqual([restored.outcome, restored.value, restored.checkpoint], ["exhausted", undefined, undefined])
    },
  },
  {
    name: "restore: a checkpoint that is pruned while it is read is passed over for the latest one, and not skipped as damaged",
    async run({ open, keys }) {
      const writer = await open()
      await saveAll(writer, 1)
      let pruned = false
      const store = await open({
        through: (backend) =>
          intercept(backend, {
            async around({ call, key }, proceed) {
              if (call === "get" && key === keys.state(1) && !pruned) {
                pruned = true
                await saveAll(writer, 2)
                await writer.prune({ last: 1 })
              }
              return proceed()
            },
          }),
      })
      const visited: number[] = []
      const restored = await store.restore(async (checkpoint) => {
        visited.push(checkpoint.id)
        return read(checkpoint)
      })
      assert.deepEqual(visited, [1, 2])
      assert.deepEqual([restored.value, restored.skipped], [stateText(2), []])
    },
  },
]
