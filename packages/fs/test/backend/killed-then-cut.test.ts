import { beforeEach, describe, expect, test } from "vitest"
import { FsBackend } from "../../src/backend.js"
import { temporaryFolder } from "../folder.js"
import { atMost, Ledger, type Outcome, Store, seed, within } from "./ledger.js"
import { Disk, models, seeded } from "./power-cut.js"
import { body, checkpoint, forgetProcess, manifestOf, stateOf, textAt } from "./support.js"
import type { Call } from "./watched-files.js"

beforeEach(forgetProcess)

/**
 * A process is killed before its n-th call (nothing is lost yet: the system lives), another one carries on and is told
 * "done" or "it is there already", then the power fails.
 */
async function killedThenCut(
  first: (store: Store) => Promise<unknown>,
  skip?: (call: Call) => boolean,
): Promise<Outcome> {
  const outcome: Outcome = { states: 0, faults: [] }
  const random = seeded(seed)
  for (let at = 0; ; at++) {
    forgetProcess()
    const base = await temporaryFolder()
    const root = `${base}/above/store`
    const disk = new Disk(base)
    let killed: () => void = () => undefined
    const death = new Promise<"killed">((resolve) => {
      killed = () => resolve("killed")
    })
    let dead = false
    const dying = disk.files({
      hangs: ({ index }) => {
        if (index >= at) dead = true
        if (dead) killed()
        return dead
      },
    })
    const end = await Promise.race([death, first(new Store(root, dying, new Ledger())).then(() => "ended")])
    await new Promise((done) => setTimeout(done, 2))
    await dying.release()

    forgetProcess()
    const ledger = new Ledger()
    const backend = new FsBackend(root, { files: disk.files({ ...(skip && { skip }) }) })
    for (const key of [stateOf(1), manifestOf(1)]) {
      await backend
        .put(key, body("by the second"), { when: "absent" })
        .catch((error: unknown) => expect(error).toMatchObject({ kind: "precondition" }))
      // Whoever wrote it: it may be acknowledged now.
      ledger.begin(key, await textAt(backend, key)).ack()
    }
    for (const model of models) {
      for (const tree of disk.states(model, atMost, random)) {
        outcome.states++
        const kept = new Map([...within(tree)].filter(([key]) => key === stateOf(1) || key === manifestOf(1)))
        const fault = ledger.fault(kept)
        if (fault !== undefined) outcome.faults.push(`killed before call ${at}; ${model}: ${fault}`)
      }
    }
    if (end === "ended") return outcome
  }
}

const firsts = {
  commit: (store: Store) => store.commit(1),
  puts: async (store: Store) => {
    await store.put(stateOf(1), "by the first", "absent")
    await store.put(manifestOf(1), "by the first", "absent")
  },
}

describe("a process killed at any call, another one, then a power cut", () => {
  test.each(Object.keys(firsts) as (keyof typeof firsts)[])(
    "%s: whatever the second was told is there",
    async (name) => {
      const { states, faults } = await killedThenCut(firsts[name])
      process.stdout.write(`killed and cut, ${name}: ${states} states, seed ${seed}\n`)
      expect(faults).toEqual([])
    },
  )

  test.each([
    ["root", /\/store$/],
    ["folders above the root", /ckpt-fs-\w+$|\/above$/],
    ["checkpoints/", /\/checkpoints$/],
    ["checkpoint's folder", /checkpoint_\d+$/],
  ] as const)("the sync of the %s by the second one is needed", async (_, path) => {
    const results = await Promise.all([
      killedThenCut(firsts.puts, (call) => call.name === "sync" && path.test(call.path)),
    ])
    expect(results.flatMap(({ faults }) => faults).length).toBeGreaterThan(0)
  })
})

test("a process killed at any call of a delete, another one deletes again, then a power cut: gone is gone", async () => {
  let faults = 0
  for (let at = 0, ended = false; !ended; at++) {
    forgetProcess()
    const base = await temporaryFolder()
    const root = `${base}/above/store`
    const disk = new Disk(base)
    await new FsBackend(root, { files: disk.files() }).commit(checkpoint(1))
    let killed: () => void = () => undefined
    const death = new Promise<boolean>((resolve) => {
      killed = () => resolve(false)
    })
    const dying = disk.files({
      hangs: ({ index }) => {
        if (index >= at) killed()
        return index >= at
      },
    })
    const first = new FsBackend(root, { files: dying })
    const gone = first.delete([manifestOf(1)]).then(() => first.delete([stateOf(1)]))
    ended = await Promise.race([death, gone.then(() => true)])
    await new Promise((done) => setTimeout(done, 2))
    await dying.release()
    forgetProcess()
    const second = new FsBackend(root, { files: disk.files() })
    for (const key of [manifestOf(1), stateOf(1)]) {
      expect(await second.delete([key])).toEqual([])
      for (const model of models) {
        for (const tree of disk.states(model, atMost, seeded(seed))) if (within(tree).has(key)) faults++
      }
    }
  }
  expect(faults).toBe(0)
})
