import { untilAborted } from "@ckpt/core/adapter"
import type { FileApi } from "../../src/files/file-api.js"
import {
  type CheckpointManifest,
  type CheckpointStore,
  type Clock,
  copyStore,
  createManifest,
  type LayoutName,
  type LeaderStore,
  openFsStore,
  type StoreEvent,
} from "../../src/index.js"
import type { MemoryFiles } from "./memory-files.js"
import { bytes } from "./support.js"

export const layouts = ["directory", "objects"] as const satisfies readonly LayoutName[]

/** The folder of the store in memory, two levels below a folder that is there. */
export const base = "/disk"
export const root = `${base}/above/store`

/** A store to copy from, in memory beside that. */
const sourceRoot = "/source/store"

const stateText = (id: number): string => `state ${id}`

/** Waits between attempts take no time; time-outs never end. */
function clockOf(memory: MemoryFiles): Clock {
  const never = new Promise<void>(() => undefined)
  return {
    now: () => memory.now,
    monotonic: () => memory.now,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted()
      if (ms >= timeoutMs / 2) await untilAborted(never, signal)
    },
  }
}

const timeoutMs = 10 * 60 * 1000

export function openStore(
  memory: MemoryFiles,
  layout: LayoutName,
  options: { files?: FileApi; at?: string; onEvent?(event: StoreEvent): void } = {},
): Promise<CheckpointStore> {
  const { files = memory, at = root, onEvent } = options
  // The beats of a holder would come whenever they come, and no run would be like another.
  const silentAfterMs = 60 * 60 * 1000
  const clock = clockOf(memory)
  return openFsStore(at, {
    files,
    layout,
    clock,
    timeoutMs,
    silentAfterMs,
    random: () => 0,
    ...(onEvent && { onEvent }),
  })
}

/**
 * What a program was told, as facts: each has a value, or none. A value that was begun may be found; one that was acknowledged
 * is the least that must be found.
 */
export class Told {
  /** Ids that were given up, as the program was told. */
  readonly burnt = new Set<number>()
  readonly #facts = new Map<string, { readonly value: string | undefined; acknowledged: boolean }[]>()
  #version = 0

  get version(): number {
    return this.#version
  }

  begin(fact: string, value: string | undefined): () => void {
    const values = this.#facts.get(fact) ?? [{ value: undefined, acknowledged: true }]
    this.#facts.set(fact, values)
    const one = { value, acknowledged: false }
    values.push(one)
    this.#version++
    return () => {
      one.acknowledged = true
      this.#version++
    }
  }

  copy(): Told {
    const copied = new Told()
    for (const [fact, values] of this.#facts)
      copied.#facts.set(
        fact,
        values.map((one) => ({ ...one })),
      )
    for (const id of this.burnt) copied.burnt.add(id)
    return copied
  }

  /** Of each fact, the values that may be found now. */
  allowed(): Allowed {
    return new Map(
      [...this.#facts].map(([fact, values]) => {
        const last = values.findLastIndex(({ acknowledged }) => acknowledged)
        return [fact, values.slice(last).map(({ value }) => value)]
      }),
    )
  }
}

export type Allowed = ReadonlyMap<string, readonly (string | undefined)[]>

/** A report that is no error, and less than was asked for: nothing was acknowledged. */
export class Incomplete extends Error {}

/** One program that works with a store, and writes down what it was told. */
export class Session {
  readonly told: Told
  readonly layout: LayoutName
  readonly memory: MemoryFiles
  readonly #files: FileApi
  #opened: CheckpointStore[] = []
  #leader: LeaderStore | undefined

  constructor(memory: MemoryFiles, layout: LayoutName, files: FileApi = memory, told = new Told()) {
    this.memory = memory
    this.layout = layout
    this.#files = files
    this.told = told
  }

  /** A second program on the same disk, told of in the same facts. */
  beside(): Session {
    return new Session(this.memory, this.layout, this.#files, this.told)
  }

  /** The store that this program works with: the leader once it has claimed. */
  async store(): Promise<CheckpointStore | LeaderStore> {
    return this.#leader ?? (await this.#plain())
  }

  async #plain(): Promise<CheckpointStore> {
    const [open] = this.#opened
    if (open !== undefined) return open
    const store = await openStore(this.memory, this.layout, { files: this.#files })
    this.#opened.push(store)
    return store
  }

  /** What `work` is done for: each fact with its value, acknowledged if `work` succeeds. */
  async #tells<T>(facts: Record<string, string | undefined>, work: () => Promise<T>): Promise<T> {
    const acknowledge = Object.entries(facts).map(([fact, value]) => this.told.begin(fact, value))
    const result = await work()
    for (const one of acknowledge) one()
    return result
  }

  async save(id: number, { again = false } = {}): Promise<void> {
    const store = await this.store()
    const work = () => store.save(manifestOf(id), { state: bytes(stateText(id)) })
    await (again ? work() : this.#tells(saved(id), work))
  }

  async saveWritten(id: number): Promise<void> {
    const store = await this.store()
    await this.#tells({ [`written ${id}`]: stateText(id) }, () => store.writeState(id, bytes(stateText(id))))
    await this.#tells(saved(id), () => store.save(manifestOf(id)))
  }

  async writeState(id: number): Promise<void> {
    const store = await this.store()
    await this.#tells({ [`written ${id}`]: stateText(id) }, () => store.writeState(id, bytes(stateText(id))))
  }

  async update(id: number): Promise<void> {
    const store = await this.store()
    await this.#tells({ [`sink ${id}`]: "committed" }, () => store.commitSink(id, "out"))
  }

  async pin(id: number, name: string): Promise<void> {
    const store = await this.store()
    await this.#tells({ [`pin ${name}`]: `${id}` }, () => store.pin(id, name))
  }

  async unpin(name: string): Promise<void> {
    const store = await this.store()
    await this.#tells({ [`pin ${name}`]: undefined }, () => store.unpin(name))
  }

  async remove(id: number): Promise<void> {
    const store = await this.store()
    await this.#tells(this.#without([id]), () => store.remove(id))
    this.#burnt([id])
  }

  /** @param ids those that go */
  async prune(last: number, ids: readonly number[]): Promise<void> {
    const store = await this.store()
    await this.#tells(this.#without(ids), async () => {
      const { failures, removed } = await store.prune({ last })
      for (const { error } of failures) throw error
      if (`${removed}` !== `${ids}`) throw new Incomplete(`removed ${removed}, not ${ids}`)
    })
    this.#burnt(ids)
  }

  #without(ids: readonly number[]): Record<string, undefined> {
    return Object.fromEntries(
      ids.flatMap((id) => [`checkpoint ${id}`, `sink ${id}`, `written ${id}`].map((fact) => [fact, undefined])),
    )
  }

  /** Of ids that were given up: a save of one is refused from then on. */
  #burnt(ids: readonly number[]): void {
    for (const id of ids) this.told.burnt.add(id)
  }

  /** @param ids those whose states are orphans, and go */
  async collect(ids: readonly number[] = []): Promise<void> {
    const store = await this.store()
    await this.#tells(Object.fromEntries(ids.map((id) => [`written ${id}`, undefined])), async () => {
      const { failures, removed } = await store.collectOrphans({ olderThanMs: 0 })
      for (const { error } of failures) throw error
      const left = ids.map((id) => stateKey(this.layout, id)).filter((key) => !removed.includes(key))
      if (left.length > 0) throw new Incomplete(`did not remove ${left}`)
    })
    this.#burnt(ids)
  }

  /**
   * Claims, and recovers on the new leader.
   *
   * @param epoch if it is known before
   */
  async claim(epoch?: number): Promise<void> {
    const plain = await this.#plain()
    const facts = epoch === undefined ? {} : { epoch: `${epoch}` }
    this.#leader = await this.#tells(facts, () => plain.claim())
    this.told.begin("epoch", `${this.#leader.epoch}`)()
    await this.recover()
  }

  /** What was recovered is safe, whoever saved it and whatever was acknowledged: the program goes on from there. */
  async recover(): Promise<void> {
    const { checkpoint } = await (await this.store()).recover()
    if (checkpoint === undefined) return
    const { id, manifest } = checkpoint
    const sink = manifest.sinkCommitStatuses?.["out"]?.status
    for (const [fact, value] of Object.entries({ ...saved(id), [`sink ${id}`]: sink })) this.told.begin(fact, value)()
  }

  async repair(): Promise<void> {
    await (await this.#plain()).repair()
  }

  /** @param ids those that the store at {@link sourceRoot} has */
  async copy(ids: readonly number[]): Promise<void> {
    const from = await openStore(this.memory, this.layout, { at: sourceRoot })
    const to = await this.store()
    try {
      await this.#tells(
        Object.assign({ "pin copied": `${ids[0]}` }, ...ids.map(saved)) as Record<string, string>,
        async () => {
          const { skipped } = await copyStore(from, to)
          for (const { error } of skipped) throw error
        },
      )
    } finally {
      await from.close()
    }
  }

  async close(): Promise<void> {
    await this.#leader?.close()
    for (const store of this.#opened) await store.close()
    this.#opened = []
    this.#leader = undefined
  }
}

/** The facts of a save. */
const saved = (id: number): Record<string, string> => ({
  [`checkpoint ${id}`]: stateText(id),
  [`sink ${id}`]: "pending",
  [`written ${id}`]: stateText(id),
})

export const manifestOf = (id: number): CheckpointManifest =>
  createManifest({
    checkpointId: id,
    epoch: id,
    timestampMs: 1_700_000_000_000,
    sinkCommitStatuses: { out: { status: "pending" } },
  })

/** A store at {@link sourceRoot} with these checkpoints, the first of them pinned as `copied`. */
export async function plantSource(memory: MemoryFiles, layout: LayoutName, ids: readonly number[]): Promise<void> {
  const store = await openStore(memory, layout, { at: sourceRoot })
  for (const id of ids) await store.save(manifestOf(id), { state: bytes(stateText(id)) })
  await store.pin(ids[0]!, "copied")
  await store.close()
}

/** Where a layout keeps the state of a checkpoint. */
export const stateKey = (layout: LayoutName, id: number): string => {
  const padded = String(id).padStart(6, "0")
  return layout === "directory" ? `checkpoints/checkpoint_${padded}/state.bin` : `checkpoints/state-${padded}.bin`
}
