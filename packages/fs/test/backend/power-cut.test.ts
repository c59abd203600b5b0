import { beforeEach, describe, expect, test } from "vitest"
import { FsBackend } from "../../src/backend.js"
import type { Tree } from "./power-cut.js"
import { Disk, models, seeded } from "./power-cut.js"
import {
  body,
  bytes,
  checkpoint,
  folderOf,
  forgetProcess,
  isTemporary,
  manifestOf,
  pointerKey,
  stateOf,
  stream,
  temporaryFolder,
  textAt,
} from "./support.js"
import type { Call, Watched } from "./watched-files.js"

beforeEach(forgetProcess)

const seed = Number(process.env["CKPT_SEED"] ?? Date.now() % 1e9)
const atMost = 400

/** What was begun and what was acknowledged, key by key; `rank` orders the values of one key. */
class Ledger {
  readonly #values = new Map<string, { rank: number; value: string | undefined; acked: boolean }[]>()
  readonly #whole: string[][] = []

  begin(key: string, value: string | undefined, rank?: number): { ack(): void } {
    const all = this.#values.get(key) ?? [{ rank: -1, value: undefined, acked: true }]
    this.#values.set(key, all)
    const entry = { rank: rank ?? all.length, value, acked: false }
    all.push(entry)
    return {
      ack: () => {
        entry.acked = true
      },
    }
  }

  /** These appear together or not at all. */
  together(keys: string[]): void {
    this.#whole.push(keys)
  }

  /** What is wrong with the tree, if anything. */
  fault(tree: Tree): string | undefined {
    for (const [key, values] of this.#values) {
      const last = Math.max(...values.filter(({ acked }) => acked).map(({ rank }) => rank))
      const fine = values.filter(({ rank }) => rank >= last).map(({ value }) => value)
      if (tree.has(key) && tree.get(key) === undefined) return `${key} is torn`
      if (!fine.includes(tree.get(key))) return `${key} is ${tree.get(key)}, not ${fine.join(" or ")}`
    }
    for (const keys of this.#whole)
      if (keys.some((key) => tree.has(key)) && !keys.every((key) => tree.has(key)))
        return `only a part of ${keys} is there`
    for (const key of tree.keys()) if (!isTemporary(key) && !this.#values.has(key)) return `${key} came from nowhere`
    return undefined
  }
}

class Store {
  readonly backend: FsBackend
  readonly #ledger: Ledger

  constructor(root: string, files: Watched, ledger: Ledger) {
    this.backend = new FsBackend(root, { files })
    this.#ledger = ledger
  }

  async put(key: string, value: string, when?: "absent" | { version: string }) {
    const { ack } = this.#ledger.begin(key, value)
    const meta = await this.backend.put(key, when === "absent" ? stream(value) : body(value), { when })
    ack()
    return meta
  }

  async commit(id: number) {
    const begun = [
      this.#ledger.begin(stateOf(id), `state ${id}`),
      this.#ledger.begin(manifestOf(id), `manifest ${id}`),
      this.#ledger.begin(pointerKey, folderOf(id), id),
    ]
    this.#ledger.together([stateOf(id), manifestOf(id)])
    const metas = await this.backend.commit(checkpoint(id))
    if (metas !== "unsupported") for (const { ack } of begun) ack()
    return metas
  }

  async delete(key: string) {
    const { ack } = this.#ledger.begin(key, undefined)
    expect(await this.backend.delete([key])).toEqual([])
    ack()
  }
}

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
}

interface Outcome {
  states: number
  faults: string[]
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
  await script(new Store(root, disk.files({ each: look, ...(skip && { skip }) }), ledger))
  look()
  return outcome
}

function within(tree: Tree): Tree {
  return new Map([...tree].map(([path, content]) => [path.replace(/^above\/store\//, ""), content]))
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
const mutants: Record<string, (call: Call, last: string | undefined) => boolean> = {
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
      const skip = (call: Call) => {
        const folder = (call.to ?? call.path).replace(/\/[^/]*$/, "")
        if (["mkdir", "rename", "link", "rmdir"].includes(call.name)) last.set(folder, call.name)
        // A stage that is opened beside them must not hide the rename that was before.
        if (call.name === "mkdir" && isTemporary(call.path)) last.delete(folder)
        if (call.name === "unlink") last.set(folder, /\.tmp-/.test(call.path) ? "unlink of a temporary" : "unlink")
        return call.name === "sync" && mutants[name]!(call, last.get(call.path))
      }
      const { faults } = await explore(script, skip)
      if (faults.length > 0) found.push(`${title}: ${faults[0]}`)
    }
    expect(found.length, "no script misses it").toBeGreaterThan(0)
  })
})

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
