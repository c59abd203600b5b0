import { CheckpointError, type CheckpointStore, type ObjectBackend } from "@ckpt/core"
import { FsBackend } from "@ckpt/fs"
import type { Core } from "./core.js"
import { Disk } from "./disk/disk.js"
import { type Carry, fileCalls } from "./disk/file-calls.js"
import { Mirror } from "./disk/mirror.js"
import type { Told } from "./model/answers.js"
import type { Model } from "./model/model.js"
import { Violation } from "./model/violation.js"
import { Session } from "./network/backend.js"
import type { Network } from "./network/network.js"
import type { Lane } from "./network/request.js"
import { ProcessClock } from "./process/clock.js"
import type { Choices } from "./scenario/choices.js"
import type { SimulatedStorage } from "./storage/storage.js"

let machines = 0

/** Under this symbol `@ckpt/fs` keeps what a whole process knows, by path: see its `registry.ts`. */
export const knownToProcess = Symbol.for("@ckpt/fs.roots.v1")

/** The registry of `@ckpt/fs` names the stores of each path, and a store its disk. No store is closed here, so every disk would stay in memory. */
function forgetEarlierMachines(): void {
  const known = (globalThis as { [knownToProcess]?: object })[knownToProcess]
  for (const byPath of Object.values(known ?? {})) {
    if (!(byPath instanceof Map)) continue
    for (const path of byPath.keys()) if (path.startsWith("/machine-")) byPath.delete(path)
  }
}

/** A machine with a disk, on which stores of `@ckpt/fs` run in one process. Each file call must be chosen to be made. */
export class Machine {
  readonly #now: () => number
  readonly #disk: Disk
  readonly #folder: string
  readonly #mirror: Mirror
  readonly #fs: typeof FsBackend

  constructor(storage: SimulatedStorage, fs = FsBackend) {
    forgetEarlierMachines()
    this.#fs = fs
    this.#now = () => storage.now
    this.#disk = new Disk(this.#now)
    // What a process knows of a path it knows for good, so each machine has a path of its own.
    this.#folder = `/machine-${++machines}/store`
    this.#disk.put(this.#folder, undefined)
    for (const [key, { bytes, meta }] of storage.objects)
      this.#disk.put(`${this.#folder}/${key}`, bytes, meta.lastModified.getTime())
    storage.objects.clear()
    this.#mirror = new Mirror(this.#disk, this.#folder, storage)
    this.#mirror.update()
  }

  /** The storage of a new store. */
  backend(lane: Lane, network: Network): { backend: ObjectBackend; session: Session } {
    const carry = network.carry(lane)
    const mirrored: Carry = (what, kind, call) =>
      carry(what.replaceAll(`${this.#folder}/`, ""), kind, (how) => {
        const answer = call(how)
        if (changing.test(what)) this.#mirror.update()
        return answer
      })
    const backend = new this.#fs(this.#folder, { files: fileCalls(this.#disk, mirrored) })
    return { backend, session: new Session() }
  }

  /** The power is cut. Whatever was acknowledged must be on the disk that is left. */
  async assertSurvives(core: Core, model: Model, choices: Choices): Promise<void> {
    const left = this.#disk.cut((ways) => choices.below(ways, 0.5))
    const folder = `/machine-${++machines}/store`
    left.move(this.#folder, folder)
    const files = fileCalls(left, async (_what, _kind, call) => call({}))
    const backend = new FsBackend(folder, { files, readOnly: true })
    const store = await core.openCheckpointStore({
      backend,
      layout: "directory",
      readOnly: true,
      timeoutMs: Number.POSITIVE_INFINITY,
      clock: new ProcessClock(this.#now),
      random: () => 0,
    })
    try {
      await assertKept(store, model.answers.told)
    } catch (error) {
      if (error instanceof CheckpointError) throw new Violation(`after a power cut: ${error.message}`)
      throw error
    }
  }
}

async function assertKept(store: CheckpointStore, { saved, updates, pins, removed, recovered }: Told): Promise<void> {
  const { checkpoint } = await store.recover()
  const latest = checkpoint?.id ?? 0
  if (latest < recovered)
    throw new Violation(`checkpoint ${recovered} was recovered, and after a power cut ${latest} is the latest`)
  for (const { id, content, pruned } of saved) {
    // What was removed had a later checkpoint.
    if (latest < id)
      throw new Violation(`checkpoint ${id} was acknowledged, and after a power cut ${latest} is recovered`)
    if (pruned) continue
    const manifest = await store.load(id)
    if (manifest?.epoch !== content)
      throw new Violation(`checkpoint ${id} was acknowledged, and a power cut leaves ${manifest?.epoch ?? "nothing"}`)
    if (!(await store.verify(id)).valid)
      throw new Violation(`checkpoint ${id} was acknowledged, and a power cut leaves it damaged`)
  }
  for (const [id, names] of updates) {
    const given = (await store.load(id))?.sinkEpochs ?? {}
    const lost = names.find((name) => !(name in given))
    if (lost !== undefined) throw new Violation(`update ${lost} of ${id} was acknowledged, and is lost by a power cut`)
  }
  const left = await store.pins()
  for (const [name, id] of pins) {
    if (!left.some((pin) => pin.name === name && pin.id === id))
      throw new Violation(`checkpoint ${id} is pinned as ${name}, and no more after a power cut`)
  }
  for (const id of removed)
    if ((await store.load(id)) !== undefined)
      throw new Violation(`checkpoint ${id} was removed, and is back after a power cut`)
}

const changing = /^(?:open|mkdir|rename|link|unlink|rmdir|write|truncate|utimes) /
