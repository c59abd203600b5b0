import { setImmediate as nextTurn } from "node:timers/promises"
import { gate } from "@ckpt/conformance"
import type { CheckpointStore, Clock, LayoutName, ObjectBackend } from "@ckpt/core"
import { CheckpointError, createManifest, openCheckpointStore } from "@ckpt/core"
import { untilAborted } from "@ckpt/core/adapter"
import { FsBackend } from "../../src/backend.js"
import type { FileApi } from "../../src/files/file-api.js"
import { temporaryFolder } from "../folder.js"
import { withoutDisk } from "../without-disk.js"
import { seed, within } from "./ledger.js"
import { Disk, type Fate, models, seeded, type Tree } from "./power-cut.js"
import { bytes, forgetProcess } from "./support.js"

/**
 * One sync of a directory stalls for longer than the time-out, or fails, while a store works. Whatever the store has
 * acknowledged must be on the disk after a power cut at any moment.
 */

const timeoutMs = 30_000

const names = {
  directory: {
    manifest: (id: number) => `checkpoints/checkpoint_00000${id}/manifest.json`,
    state: (id: number) => `checkpoints/checkpoint_00000${id}/state.bin`,
    history: "checkpoints/history.json",
  },
  objects: {
    manifest: (id: number) => `manifests/manifest-00000${id}.json`,
    state: (id: number) => `checkpoints/state-00000${id}.bin`,
    history: "manifests/history.json",
  },
}

/** What the store was told is done, and so must be on the disk. */
class Acknowledged {
  readonly #layout: LayoutName
  readonly #saved = new Set<number>()
  readonly #updated = new Map<string, number>()
  readonly #pinned = new Set<number>()

  constructor(layout: LayoutName) {
    this.#layout = layout
  }

  saved(id: number): void {
    this.#saved.add(id)
  }

  updated(id: number, name: string): void {
    this.#updated.set(name, id)
  }

  pinned(id: number): void {
    this.#pinned.add(id)
  }

  /** What is missing in the tree, if anything. */
  fault(tree: Tree): string | undefined {
    const { manifest, state, history } = names[this.#layout]
    for (const id of this.#saved) {
      if (tree.get(manifest(id)) === undefined) return `manifest ${id} was acknowledged, and is not there`
      if (tree.get(state(id)) !== `state ${id}`) return `state ${id} was acknowledged, and is not there`
    }
    for (const [name, id] of this.#updated)
      if (tree.get(manifest(id))?.includes(name) !== true) return `update ${name} was acknowledged, and is not there`
    for (const id of this.#pinned)
      if (tree.get(history)?.includes(`"kept": ${id}`) !== true)
        return `the pin of ${id} was acknowledged, and is not there`
    return undefined
  }
}

/** Counts the file calls under way. */
class Busy {
  count = 0

  files(api: FileApi): FileApi {
    return this.#counting(api)
  }

  #counting<T extends object>(of: T): T {
    return new Proxy(of, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name)
        if (typeof value !== "function") return value
        return async (...given: unknown[]) => {
          this.count++
          try {
            const result: unknown = await Reflect.apply(value, target, given)
            return typeof result === "object" && result !== null && "sync" in result ? this.#counting(result) : result
          } finally {
            this.count--
          }
        }
      },
    })
  }

  /** Resolves once nothing can go on by itself. */
  async quiet(): Promise<void> {
    for (let turns = 0; turns < 20; turns++) {
      await nextTurn()
      if (this.count > 0) turns = -1
    }
  }
}

/** Time passes only while a sync stalls and nothing else can go on; waits between attempts take none. */
class StallClock implements Clock {
  readonly #stalled: Promise<void>
  readonly #busy: Busy
  #time = 0

  constructor(stalled: Promise<void>, busy: Busy) {
    this.#stalled = stalled
    this.#busy = busy
  }

  now(): number {
    return 1_700_000_000_000 + this.#time
  }

  monotonic(): number {
    return this.#time
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    if (ms < timeoutMs / 2) return
    await untilAborted(this.#stalled, signal)
    await this.#busy.quiet()
    signal?.throwIfAborted()
    this.#time += ms
  }
}

export interface Explored {
  readonly faults: string[]
  /** How many syncs of directories there were. */
  readonly syncs: number
  readonly states: number
  /** Operations whose outcome was unknown. */
  readonly unknown: number
}

export interface ExploreOptions {
  readonly layout: LayoutName
  /** Which sync of a directory it is, from 0. */
  readonly at: number
  readonly fate: Fate
  /** Does the sync stall until the store has given up? If not, its fate comes at once. */
  readonly stalls: boolean
  /** The backend, with a rule left out. */
  mutate?(backend: ObjectBackend): ObjectBackend
  /** Called when the sync stalls. */
  onStall?(): void
}

type Step = (store: CheckpointStore, told: Acknowledged) => Promise<unknown>

const save =
  (id: number): Step =>
  async (store, told) => {
    // The same manifest each time, so that saving again finds out.
    const manifest = createManifest({ checkpointId: id, epoch: id, timestampMs: 1 })
    await store.save(manifest, { state: bytes(`state ${id}`) })
    told.saved(id)
  }

const update =
  (id: number, name: string): Step =>
  async (store, told) => {
    await store.update(id, (current) => ({
      ...current,
      sinkCommitStatuses: { ...current.sinkCommitStatuses, [name]: { status: "committed" } },
    }))
    told.updated(id, name)
  }

const pin =
  (id: number): Step =>
  async (store, told) => {
    await store.pin(id, "kept")
    told.pinned(id)
  }

/** Trees of each model after each call: each sync stalls in its turn, so these are many. */
const treesAtMost = Number(process.env["CKPT_CUTS"] ?? 100)

const steps: readonly Step[] = [save(1), save(2), update(2, "first"), pin(1), update(2, "second"), save(3)]

/** Runs the steps, each once more if it failed, and looks at every tree that a cut after any file call may leave. */
export async function exploreStall(options: ExploreOptions): Promise<Explored> {
  const { layout, at, fate, stalls, mutate = (backend) => backend, onStall } = options
  forgetProcess()
  const base = await temporaryFolder(withoutDisk)
  const disk = new Disk(base)
  const told = new Acknowledged(layout)
  const random = seeded(seed)
  const busy = new Busy()
  const found = { faults: new Set<string>(), syncs: 0, states: 0, unknown: 0 }
  const look = () => {
    for (const model of models) {
      for (const tree of disk.states(model, treesAtMost, random)) {
        found.states++
        const fault = told.fault(within(tree))
        if (fault !== undefined) found.faults.add(`${model}: ${fault}`)
      }
    }
  }
  const reached = gate()
  let release = () => {}
  const released = new Promise<Fate>((resolve) => {
    release = () => resolve(fate)
  })
  let stalling = false
  const files = disk.files({
    each: look,
    stall: () => {
      if (found.syncs++ !== at) return undefined
      if (!stalls) return Promise.resolve(fate)
      stalling = true
      busy.count--
      onStall?.()
      reached.open()
      return released.finally(() => {
        busy.count++
      })
    },
  })
  const backend = mutate(new FsBackend(`${base}/above/store`, { files: busy.files(files) }))
  const clock = new StallClock(reached.passed, busy)
  const store = await openCheckpointStore({
    backend,
    layout,
    clock,
    timeoutMs,
    retry: { attempts: 2 },
    random: () => 0,
  })
  for (const step of steps) {
    for (const again of [false, true]) {
      const failed = await step(store, told).then(
        () => undefined,
        (error: unknown) => error,
      )
      look()
      if (failed === undefined) break
      if (!(failed instanceof CheckpointError)) throw failed
      if (failed.code === "CKPT_UNKNOWN_OUTCOME") found.unknown++
      if (again || !stalling) break
      release()
      await busy.quiet()
      look()
    }
  }
  release()
  await busy.quiet()
  look()
  await store.close()
  return { ...found, faults: [...found.faults] }
}
