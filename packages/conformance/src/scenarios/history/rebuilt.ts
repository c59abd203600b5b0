import assert from "node:assert/strict"
import type { CheckpointStore, ObjectBackend } from "@ckpt/core"
import { calls, intercept } from "../../harness/faults.js"
import type { Scenario } from "../../harness/scenario.js"
import { gate } from "../../harness/waiting.js"
import { listedIds, range, refusal, saveAll } from "../support.js"
import { claimed, claimingInHistory, latestId } from "./claim-support.js"

/** Holds the reads of an object that begin once the history was read, until they are released. */
function heldBehindHistory(key: string, historyKey: string) {
  const [reached, release] = [gate(), gate()]
  let wasRead = false
  const through = (backend: ObjectBackend): ObjectBackend =>
    intercept(backend, {
      async around(info, proceed) {
        if (wasRead && calls("get", key)(info)) {
          reached.open()
          await release.passed
        }
        const answer = await proceed()
        wasRead ||= calls("get", historyKey)(info)
        return answer
      },
    })
  return { through, reached: reached.passed, release: () => release.open() }
}

/** What each reader gives. There are 18 checkpoints, and 17 and 18 have lost their states. */
const readersMeanwhile: Readonly<
  Record<string, { read(store: CheckpointStore): Promise<unknown>; readonly gives: unknown }>
> = {
  recover: {
    async read(store) {
      const { checkpoint, skipped } = await store.recover()
      return [checkpoint?.id, skipped.map(({ id }) => id)]
    },
    gives: [16, [18, 17]],
  },
  loadLatest: { read: latestId, gives: 18 },
  // Two batches of manifests.
  list: { read: listedIds, gives: range(1, 18) },
  "list of the last": {
    read: async (store) => (await store.list({ last: 1 }).toArray()).map(({ id }) => id),
    gives: [18],
  },
  load: { read: async (store) => (await store.load(18))?.epoch, gives: 18 },
  open: { read: async (store) => (await refusal(store.open(18), "CKPT_CORRUPT", 18)).code, gives: "CKPT_CORRUPT" },
}

/** A lost history is built anew while somebody reads the manifests: the new history judges. */
export const rebuiltScenarios: readonly Scenario[] = [
  ...Object.entries(readersMeanwhile).map(([name, { read, gives }]) =>
    claimingInHistory(
      `a history that is lost, and built anew while ${name} reads: it goes by the new history, and not by the manifests alone`,
      async (context) => {
        const { open, plant, keys, raw } = context
        await saveAll(await open(), ...range(1, 18))
        await claimed(context)
        await raw.delete([keys.state(17), keys.state(18)])
        await plant(keys.history, "garbled")
        const held = heldBehindHistory(keys.manifest(16), keys.history)
        const reading = read(await open({ through: held.through }))
        await held.reached
        // This claim keeps 17 and 18. Its leader passes over them, and marks 16. By the manifests alone, they are of a superseded writer
        // from then on.
        const { checkpoint, skipped } = await (await claimed(context)).recover()
        assert.deepEqual([checkpoint?.id, skipped.map(({ id }) => id)], [16, [18, 17]])
        held.release()
        assert.deepEqual(await reading, gives)
      },
    ),
  ),
]
