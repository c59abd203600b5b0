import assert from "node:assert/strict"
import type { ObjectContent } from "@ckpt/core"
import { joined } from "../../harness/bytes.js"
import { intercept } from "../../harness/faults.js"
import type { Scenario } from "../../harness/scenario.js"
import { gate } from "../../harness/waiting.js"
import { claimed, claiming } from "../history/claim-support.js"
import { bytes, listAll, listedIds, manifestOf, readAll, saveAll, streamOf } from "../support.js"

/** Readers of a checkpoint that is replaced between two of their requests. */
export const overtakenScenarios: readonly Scenario[] = [
  claiming(
    "a reader that is overtaken in 40 rounds by a leader with retention ends once the leader pauses",
    async (context) => {
      const { open, keys } = context
      const leader = await claimed(context)
      let id = 0
      const save = async (count: number) => {
        for (let n = 0; n < count; n++) {
          await saveAll(leader, ++id)
          await leader.prune({ last: 3 })
        }
      }
      await save(5)
      let rounds = 0
      const reader = await open({
        through: (backend) =>
          intercept(backend, {
            async around({ call, key }, proceed) {
              // What the pointer names is removed before the reader looks at it.
              if (rounds < 40 && call === "head") await save(3)
              if (rounds < 40 && call === "get" && key === keys.pointer) {
                rounds++
                await save(1)
              }
              return proceed()
            },
          }),
      })
      assert.equal((await reader.loadLatest())?.checkpointId, id)
      assert.equal(rounds, 40)
    },
  ),
  {
    name: "recovery: a list whose latest checkpoint is removed while it is read ends with the checkpoint that came later",
    async run({ open, keys }) {
      const writer = await open()
      await saveAll(writer, 1, 2)
      await writer.pin(1, "kept")
      let victim = 2
      const reader = await open({
        through: (backend) =>
          intercept(backend, {
            async around({ call, key }, proceed) {
              // Twice, so that what came later is gone as well.
              if (victim < 4 && call === "get" && key === keys.manifest(victim)) {
                await saveAll(writer, ++victim)
                await writer.prune({ last: 1 })
              }
              return proceed()
            },
          }),
      })
      assert.deepEqual(await listedIds(reader), [1, 4])
      assert.equal(victim, 4)
    },
  },
  {
    name: "recovery: a lost checkpoint whose id is saved anew is not damaged for a reader that has read the old state",
    async run({ open, keys, raw }) {
      await saveAll(await open(), 1, 2)
      const old = gate()
      let isLost = false
      let isRead = false
      const reader = await open({
        through: (backend) =>
          intercept(backend, {
            async around({ call, key }, proceed) {
              if (call === "get" && key === keys.manifest(2) && !isLost) {
                isLost = true
                await old.passed
                await raw.delete([keys.manifest(2)])
                await raw.delete([keys.state(2)])
                await (await open()).save(manifestOf(2), { state: bytes("a longer state, of another checkpoint 2") })
              }
              const answer = await proceed()
              if (call !== "get" || key !== keys.state(2) || isRead) return answer
              const content = answer as ObjectContent
              const body = await joined(content.body)
              isRead = true
              old.open()
              return { ...content, body: streamOf(body) }
            },
          }),
      })
      const { checkpoint, skipped } = await reader.recover()
      assert.deepEqual([checkpoint?.id, skipped], [2, []])
      assert.equal(await readAll(await checkpoint?.state()), "a longer state, of another checkpoint 2")
      assert.deepEqual(
        (await listAll(reader)).map(({ id, valid }) => [id, valid]),
        [
          [1, true],
          [2, true],
        ],
      )
    },
  },
]
