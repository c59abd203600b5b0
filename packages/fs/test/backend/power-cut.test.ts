import { beforeEach, describe, expect, test } from "vitest"
import { spareName } from "../../src/files/paths.js"
import { temporaryFolder } from "../folder.js"
import { atMost, Ledger, type Outcome, Store, seed, within } from "./ledger.js"
import { Disk, models, seeded } from "./power-cut.js"
import { bytes, forgetProcess, isTemporary, manifestOf, stateOf } from "./support.js"
import type { Call } from "./watched-files.js"

beforeEach(forgetProcess)

/** What the disk has no room for, from now on. */
let full: "inode" | "byte" | undefined

const scripts: Record<string, (store: Store) => Promise<unknown>> = {
  "two commits": async (store) => {
    await store.commit(1)
    await store.commit(2)
  },
  "a commit and an update": async (store) => {
    const metas = await store.commit(1)
    if (metas === "unsupported") return expect.fail()
    const updated = await store.put(manifestOf(1), "updated", { version: metas[1]!.version })
    await store.put(manifestOf(1), "updated again", { version: updated.version })
  },
  "object by object": async (store) => {
    await store.put(stateOf(3), "state 3", "absent")
    await store.put(manifestOf(3), "manifest 3", "absent")
    await store.put("checkpoints/notes.txt", "a note")
    await store.put("checkpoints/notes.txt", "another note")
  },
  "puts, then deletes": async (store) => {
    await store.put(stateOf(1), "state 1", "absent")
    await store.put(manifestOf(1), "manifest 1", "absent")
    await store.put(stateOf(2), "state 2", "absent")
    await store.delete(manifestOf(1))
    await store.delete(stateOf(1))
    await store.put(stateOf(1), "state 1 again", "absent")
  },
  "six commits at once": async (store) => {
    await Promise.all([3, 1, 6, 2, 5, 4].map((id) => store.commit(id)))
  },
  "an update, a delete and commits at once": async (store) => {
    const { version } = await store.put(manifestOf(1), "manifest 1", "absent")
    await Promise.all([
      store.commit(2),
      store.put(manifestOf(1), "updated", { version }),
      store.commit(3),
      store.put(stateOf(1), "late state", "absent"),
    ])
    await Promise.all([store.commit(4), store.delete(manifestOf(1)), store.delete(stateOf(1))])
  },
  "replacements on a full disk": async (store) => {
    const key = "manifests/latest.json"
    let { version } = await store.put(key, "a first content", "absent")
    const texts = ["with room", "shorter", "with room again", "another content", "at last"]
    for (const [index, lack] of ([undefined, "inode", undefined, "byte", undefined] as const).entries()) {
      full = lack
      version = (await store.put(key, texts[index] ?? "", { version })).version
    }
  },
}

/** Fails like a full disk: no file can be made, or nothing can be written to one. */
function fullDisk(): (call: Call) => string | undefined {
  const made = new Set<number | undefined>()
  return ({ name, flags, file }) => {
    if (name === "open" && flags === "wx") made.add(file)
    const isRefused = full === "inode" ? name === "open" && flags === "wx" : name.startsWith("write") && made.has(file)
    return full !== undefined && isRefused ? "ENOSPC" : undefined
  }
}

/** Runs a script and looks at every tree that a cut after any of its calls may leave. */
async function explore(script: (store: Store) => Promise<unknown>, skip?: (call: Call) => boolean): Promise<Outcome> {
  const base = await temporaryFolder()
  const root = `${base}/above/store`
  const disk = new Disk(base)
  const ledger = new Ledger()
  const outcome: Outcome = { states: 0, faults: [] }
  const random = seeded(seed)
  const look = () => {
    for (const model of models) {
      for (const tree of disk.states(model, atMost, random)) {
        outcome.states++
        const fault = ledger.fault(within(tree))
        if (fault !== undefined) outcome.faults.push(`${model}: ${fault}`)
      }
    }
  }
  full = undefined
  await script(new Store(root, disk.files({ each: look, fails: fullDisk(), ...(skip && { skip }) }), ledger))
  look()
  return outcome
}

describe("a power cut after any call", () => {
  test.each(Object.keys(scripts))("%s: what was acknowledged is there, nothing is torn", async (name) => {
    const { states, faults } = await explore(scripts[name]!)
    process.stdout.write(`power cut, ${name}: ${states} states, seed ${seed}\n`)
    expect(faults).toEqual([])
    expect(states).toBeGreaterThan(300)
  })
})

/** Leaving out one kind of sync; each kind must be missed by somebody. */
const mutants: Record<string, (call: Call, last: string | undefined, isSpare: boolean) => boolean> = {
  "of the state's bytes": ({ path }) => path.endsWith("/state.bin"),
  "of the manifest's bytes": ({ path }) => path.endsWith("/manifest.json"),
  "of the pointer's bytes": ({ path }) => /\.latest-\w+$/.test(path),
  "of a temporary file's bytes": ({ path }) => /\.tmp-\w+$/.test(path),
  "of the stage": ({ path }) => /\.stage-\w+$/.test(path),
  "of checkpoints/ after the renames": ({ path }, last) => path.endsWith("/checkpoints") && last === "rename",
  "of checkpoints/ after the mkdir of a checkpoint": ({ path }, last) =>
    path.endsWith("/checkpoints") && last === "mkdir",
  "of checkpoints/ after the rmdir of a checkpoint": ({ path }, last) =>
    path.endsWith("/checkpoints") && last === "rmdir",
  "of a checkpoint's folder after a link": ({ path }, last) =>
    /checkpoint_\d+$/.test(path) && last === "unlink of a temporary",
  "of a checkpoint's folder after a rename": ({ path }, last) => /checkpoint_\d+$/.test(path) && last === "rename",
  // The folder to which the name was taken goes last.
  "of a checkpoint's folder after a delete": ({ path }, last) => /checkpoint_\d+$/.test(path) && last === "rmdir",
  "of the spare's bytes": (_call, _last, isSpare) => isSpare,
  "of what was written over the spare": ({ path }, last) => /\.tmp-\w+$/.test(path) && last === "spare",
  "of the root after the spare was taken": ({ path }, last) => path.endsWith("/store") && last === "taken",
  "of the root": ({ path }) => path.endsWith("/store"),
  "of the folder above the root": ({ path }) => path.endsWith("/above"),
  "of the folder above that": ({ path }) => /ckpt-fs-\w+$/.test(path),
}

describe("leaving out the sync", () => {
  test.each(Object.keys(mutants))("%s is caught", async (name) => {
    const found: string[] = []
    for (const [title, script] of Object.entries(scripts)) {
      forgetProcess()
      /** The last change in each folder. */
      const last = new Map<string, string>()
      const spares = new Set<number | undefined>()
      const skip = (call: Call) => {
        const folder = (call.to ?? call.path).replace(/\/[^/]*$/, "")
        if (["mkdir", "rename", "link", "rmdir"].includes(call.name)) last.set(folder, call.name)
        // A stage that is opened beside them must not hide the rename that was before.
        if (call.name === "mkdir" && isTemporary(call.path)) last.delete(folder)
        if (call.name === "unlink") last.set(folder, /\.tmp-/.test(call.path) ? "unlink of a temporary" : "unlink")
        if (call.name === "rename" && call.path.endsWith(spareName)) {
          last.set(call.path.replace(/\/[^/]*$/, ""), "taken")
          last.set(call.to ?? "", "spare")
        }
        if (call.name.startsWith("write") && Buffer.concat(call.buffers ?? []).length > 9999) spares.add(call.file)
        return call.name === "sync" && mutants[name]!(call, last.get(call.path), spares.has(call.file))
      }
      const { faults } = await explore(script, skip)
      if (faults.length > 0) found.push(`${title}: ${faults[0]}`)
    }
    expect(found.length, "no script misses it").toBeGreaterThan(0)
  })
})

test("the model itself: a rename without a sync may be undone, a file without a sync is torn", async () => {
  const base = await temporaryFolder()
  const disk = new Disk(base)
  const files = disk.files()
  const file = await files.open(`${base}/a`, "wx")
  await file.write(bytes("text"))
  await files.rename(`${base}/a`, `${base}/b`)
  const seen = () =>
    new Set(models.flatMap((model) => [...disk.states(model, 99, seeded(1))].map((tree) => JSON.stringify([...tree]))))
  expect(seen()).toEqual(new Set(["[]", '[["a",null]]', '[["b",null]]']))
  await file.sync()
  await file.close()
  expect(seen()).toEqual(new Set(["[]", '[["a","text"]]', '[["b","text"]]']))
  const folder = await files.open(base, "r")
  await folder.sync()
  await folder.close()
  expect(seen()).toEqual(new Set(['[["b","text"]]']))
})
