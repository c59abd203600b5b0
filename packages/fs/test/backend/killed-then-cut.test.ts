import { createManifest, openCheckpointStore } from "@ckpt/core"
import { beforeEach, describe, expect, test } from "vitest"
import { FsBackend } from "../../src/backend.js"
import { temporaryFolder } from "../folder.js"
import { atMost, Ledger, type Outcome, Store, seed, within } from "./ledger.js"
import { Disk, models, seeded } from "./power-cut.js"
import { body, checkpoint, forgetProcess, manifestOf, stateOf, textAt } from "./support.js"
import type { Call, Watched } from "./watched-files.js"

beforeEach(forgetProcess)

/** What a process does over the root. It notes in the ledger each object that it relies on. */
type Program = (root: string, files: Watched, ledger: Ledger) => Promise<unknown>

interface KillOptions {
  /** Syncs that the second process leaves out. One fault of that is enough. */
  readonly skip?: (call: Call) => boolean
  /** Kills begin with the first such call. */
  readonly from?: (call: Call) => boolean
}

/**
 * A process is killed before its n-th call (nothing is lost yet: the system lives), another one carries on and relies on an answer, then
 * the power fails.
 */
async function killedThenCut(first: Program, second: Program, { skip, from }: KillOptions = {}): Promise<Outcome> {
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
    let begun = from === undefined
    let calls = 0
    let dead = false
    const dying = disk.files({
      hangs: (call) => {
        begun ||= from?.(call) === true
        if (begun && calls++ >= at) dead = true
        if (dead) killed()
        return dead
      },
    })
    const end = await Promise.race([death, first(root, dying, new Ledger()).then(() => "ended")])
    await new Promise((done) => setTimeout(done, 2))
    await dying.release()

    forgetProcess()
    const ledger = new Ledger()
    await second(root, disk.files({ ...(skip && { skip }) }), ledger)
    for (const model of models) {
      for (const tree of disk.states(model, atMost, random)) {
        outcome.states++
        const kept = new Map([...within(tree)].filter(([key]) => key === stateOf(1) || key === manifestOf(1)))
        const fault = ledger.fault(kept)
        if (fault !== undefined) outcome.faults.push(`killed before call ${at}; ${model}: ${fault}`)
      }
    }
    if (end === "ended" || (skip !== undefined && outcome.faults.length > 0)) return outcome
  }
}

/** Whoever wrote it: it may be acknowledged now. */
async function putAgain(root: string, files: Watched, ledger: Ledger): Promise<void> {
  const backend = new FsBackend(root, { files })
  for (const key of [stateOf(1), manifestOf(1)]) {
    await backend
      .put(key, body("by the second"), { when: "absent" })
      .catch((error: unknown) => expect(error).toMatchObject({ kind: "precondition" }))
    ledger.begin(key, await textAt(backend, key)).ack()
  }
}

function openStore(backend: FsBackend) {
  return openCheckpointStore({ backend, layout: "directory", timeoutMs: Number.POSITIVE_INFINITY })
}

const firstPrograms = {
  commit: (root: string, files: Watched, ledger: Ledger) => new Store(root, files, ledger).commit(1),
  puts: async (root: string, files: Watched, ledger: Ledger) => {
    const store = new Store(root, files, ledger)
    await store.put(stateOf(1), "by the first", "absent")
    await store.put(manifestOf(1), "by the first", "absent")
  },
} satisfies Record<string, Program>

describe("a process killed at any call, another one, then a power cut", () => {
  test.each(Object.keys(firstPrograms) as (keyof typeof firstPrograms)[])(
    "%s: whatever the second was told is there",
    async (name) => {
      const { states, faults } = await killedThenCut(firstPrograms[name], putAgain)
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
    const skip = (call: Call) => call.name === "sync" && path.test(call.path)
    expect((await killedThenCut(firstPrograms.puts, putAgain, { skip })).faults.length).toBeGreaterThan(0)
  })
})

/** A save of a whole store. */
const saves: Program = async (root, files) => {
  const store = await openStore(new FsBackend(root, { files }))
  await store.save(createManifest({ checkpointId: 1, epoch: 1 }), { state: new Uint8Array(10) })
}

/** Whoever recovers a checkpoint goes on from it. */
const recovers = async (...[root, files, ledger]: Parameters<Program>): Promise<boolean> => {
  const backend = new FsBackend(root, { files })
  const { checkpoint } = await (await openStore(backend)).recover()
  if (checkpoint === undefined) return false
  for (const key of [stateOf(1), manifestOf(1)]) ledger.begin(key, await textAt(backend, key)).ack()
  return true
}

/** Before this there is nothing that could be recovered. */
const isPlacing = ({ name, to }: Call) => name === "rename" && to?.endsWith("checkpoint_000001") === true

describe("a process killed once its checkpoint is visible, another one recovers, then a power cut", () => {
  test("the checkpoint that was recovered is there", async () => {
    let recovered = 0
    const counted: Program = async (...given) => {
      if (await recovers(...given)) recovered++
    }
    const { states, faults } = await killedThenCut(saves, counted, { from: isPlacing })
    process.stdout.write(`killed, recovered and cut: ${recovered} recovered, ${states} states, seed ${seed}\n`)
    expect(faults).toEqual([])
    expect(recovered).toBeGreaterThan(1)
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
