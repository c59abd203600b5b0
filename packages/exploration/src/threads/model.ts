import { CheckpointError } from "@ckpt/core"
import type { CheckpointTuple } from "@langchain/langgraph-checkpoint"
import { Violation } from "../model/violation.js"
import type { Request, Watcher } from "../network/request.js"
import { ProcessClock } from "../process/clock.js"
import type { ThreadName } from "../scenario/thread-action.js"
import { SimulatedStorage, type StoredObject } from "../storage/storage.js"
import { Damages } from "./damages.js"
import { parseKey, type ThreadKey } from "./keys.js"
import { type Known, type Operation, textOf } from "./known.js"
import { whyNotPruned } from "./may-go.js"
import { saverAt } from "./saver.js"

/** What must hold of the threads on a storage. It looks at every change of the storage, and at every answer of a saver. */
export class Model implements Watcher {
  readonly #storage: SimulatedStorage
  readonly #known = new Map<string, Known>()
  readonly #operations: Operation[] = []
  readonly #reader
  readonly damages: Damages
  /** Each is to be read before the next request. */
  readonly #suspects = new Set<Known>()
  /** Whose request takes effect now. */
  #by: readonly Operation[] = []
  /** When another than the operation itself last changed a thread. */
  readonly #changes: { readonly thread: ThreadName; readonly by: readonly Operation[]; readonly at: number }[] = []
  /** Requests of deletions that nobody waits for, and that may still arrive. */
  readonly #late: () => readonly Request[]
  readonly #copies: Operation[] = []
  acknowledged = 0

  constructor(storage: SimulatedStorage, late: () => readonly Request[]) {
    this.#storage = storage
    this.#late = late
    this.#reader = saverAt(storage, new ProcessClock(() => storage.now))
    this.damages = new Damages(storage)
    storage.onChange = (key, object) => this.#changed(key, object)
  }

  /** The checkpoints of a thread that are or were there, or are on their way. */
  of(thread: ThreadName): Known[] {
    return [...this.#known.values()].filter(({ place }) => place.thread === thread)
  }

  /** The checkpoints of the graph that are there, the latest first. */
  roots(thread: ThreadName): Known[] {
    return this.of(thread)
      .filter(({ place, isThere }) => isThere && place.namespace === "")
      .sort(latestFirst)
  }

  begin(operation: Omit<Operation, "begun" | "isBesideDeletion">): Operation {
    const { thread, what } = operation
    const begun = { ...operation, begun: this.#storage.changes, isBesideDeletion: this.#isDeleted(thread) }
    this.#operations.push(begun)
    if (what === "delete") this.#deletes(thread)
    return begun
  }

  /** The operation has ended, with an answer or an error. */
  end(operation: Operation): void {
    this.#operations.splice(this.#operations.indexOf(operation), 1)
  }

  /** The process is gone: so are its operations, but for what they had sent. */
  crashed(process: string): void {
    for (const operation of this.#operations.filter((one) => one.process === process)) this.end(operation)
  }

  #deletes(thread: ThreadName): void {
    const late = new Set(this.#late().flatMap(({ kind, keys }) => (kind === "put" ? keys : [])))
    for (const known of this.of(thread)) {
      known.mayGo = true
      // What is on its way may come afterwards, without what it names.
      if (known.isUnderWay || known.landings === 0 || late.has(known.key)) known.mayBreak = true
    }
    for (const operation of this.#copies) if (operation.thread === thread) operation.isBesideDeletion = true
  }

  /** Whether a deletion of the thread is under way, or something of one may still arrive. */
  #isDeleted(thread: ThreadName): boolean {
    const deletes = (one: Operation) => one.what === "delete" && one.thread === thread
    return (
      this.#operations.some(deletes) ||
      this.#late().some(({ kind, doing }) => kind === "delete" && (doing as readonly Operation[]).some(deletes))
    )
  }

  /** Whether a checkpoint may lack values. A saver names what such a checkpoint names, and does not look whether it is whole. */
  #isBroken(thread: ThreadName): boolean {
    return this.of(thread).some(({ mayBreak, isThere }) => mayBreak && isThere)
  }

  /** A checkpoint is about to be put. */
  puts(known: Known, operation: Operation): void {
    known.mayGo = operation.isBesideDeletion
    known.mayBreak = known.mayGo || this.#isBroken(known.place.thread)
    known.isUnderWay = true
    this.#known.set(known.key, known)
  }

  wasPut(known: Known): void {
    known.isAcknowledged = true
    known.isUnderWay = false
    this.acknowledged++
    if (!known.isThere && !known.mayGo) throw new Violation(`${known.name} was acknowledged, and is not there`)
  }

  /** A copy may bring what it finds in the original. */
  copies(operation: Operation): void {
    this.#copies.push(operation)
  }

  wasCopied({ there = [], thread, isBesideDeletion }: Operation): void {
    if (isBesideDeletion) return
    for (const original of there) {
      if (!original.isThere || original.landings > 1 || original.mayBreak || original.brokenSince !== undefined)
        continue
      const copy = this.#known.get(original.inThread(thread).key)
      if (copy === undefined || copy.landings === 0 || !(copy.isThere || copy.mayGo))
        throw new Violation(`a copy is said to be complete, and ${original.name} is not in it`)
      copy.isAcknowledged = true
    }
  }

  /** A deletion has succeeded. If nobody else worked on the thread, nothing of it is left. */
  wasDeleted(operation: Operation): void {
    const { thread, begun } = operation
    const others = this.#changes.some(
      (one) => one.thread === thread && one.at > begun && one.by.some((by) => by !== operation),
    )
    const isLate = this.#late().some(({ keys }) => keys.some((key) => parseKey(key)?.thread === thread))
    const left = others || isLate ? undefined : this.keys(thread)[0]
    if (left !== undefined) throw new Violation(`thread ${thread} is said to be deleted, and ${left} is there`)
  }

  /** The keys of all that a thread has. */
  keys(thread: ThreadName): string[] {
    return [...this.#storage.objects.keys()].filter((key) => parseKey(key)?.thread === thread)
  }

  beforeApply(request: Pick<Request, "kind" | "keys" | "doing">, late: boolean): void {
    this.#by = (request.doing as readonly Operation[] | undefined) ?? []
    if (request.kind === "delete") this.#judge(request.keys, late)
  }

  /** Each key that a request removes may go now. */
  #judge(keys: readonly string[], late: boolean): void {
    const goes = new Set(keys)
    for (const key of keys) {
      const parsed = parseKey(key)
      if (parsed === undefined || parsed.kind === "time" || !this.#storage.objects.has(key)) continue
      const { thread, kind, base } = parsed
      const removers = this.#by.filter(
        (one) => one.thread === thread && (one.what === "prune" || one.what === "delete"),
      )
      if (removers.length === 0) throw new Violation(`${key} is removed by ${this.#by.map(({ what }) => what).join()}`)
      if (kind === "checkpoint") this.#judgeCheckpoint(this.#known.get(key) as Known, removers, goes)
      const deletes = removers.some(({ what }) => what === "delete")
      if (kind === "value" && !deletes) this.#judgeValue(key, removers)
      const owner = kind === "writes" ? this.#known.get(`${base}.c`) : undefined
      if (owner?.isThere && !late && owner.landings === 1 && !deletes)
        throw new Violation(`writes of ${owner.name} are removed, which is there`)
    }
  }

  #judgeCheckpoint(known: Known, removers: readonly Operation[], goes: ReadonlySet<string>): void {
    if (removers.some((one) => one.what === "delete" && this.#isLastOfAll(known, one, goes))) return
    if (known.mayGo && !removers.some(({ what }) => what === "delete")) return
    const why = removers.map((one) =>
      one.what === "delete"
        ? "an older one is still there"
        : whyNotPruned(known, one, this.of(known.place.thread), this.#storage.now, (key) => this.damages.since(key)),
    )
    if (!why.includes(undefined)) throw new Violation(`${known.name} is removed, and ${why[0]}`)
    known.mayGo = true
  }

  /** Whether a deletion may remove the checkpoint: if it was the latest when the deletion began, the older ones are gone by now. */
  #isLastOfAll(known: Known, { there = [] }: Operation, goes: ReadonlySet<string>): boolean {
    const mates = there.filter(({ place }) => place.namespace === known.place.namespace)
    if (mates.some(({ place }) => place.id > known.place.id) || !mates.includes(known)) return true
    return !mates.some(
      (one) => one !== known && one.isThere && one.landings === 1 && !one.mayBreak && !goes.has(one.key),
    )
  }

  #judgeValue(key: string, removers: readonly Operation[]): void {
    const [{ thread, begun }] = removers as [Operation]
    const damaged = this.of(thread).find(({ isThere, key }) => isThere && this.damages.since(key) < begun)
    if (damaged !== undefined)
      throw new Violation(`${key} is removed, and nobody knows whether ${damaged.name} names it, which is damaged`)
  }

  #changed(key: string, object: StoredObject | undefined): void {
    this.damages.changed(key, object)
    const parsed = parseKey(key)
    if (parsed === undefined) return
    const { kind, thread, base } = parsed
    this.#changes.push({ thread, by: this.#by, at: this.#storage.changes })
    if (kind === "checkpoint") this.#checkpointChanged(key, object)
    if (kind === "writes" && object === undefined) this.#suspect(this.#known.get(`${base}.c`))
    if (kind === "value" && (object === undefined || this.damages.hasEver(key)))
      for (const known of this.of(thread)) this.#suspect(known)
  }

  #suspect(known: Known | undefined): void {
    if (known?.isThere) this.#suspects.add(known)
  }

  #checkpointChanged(key: string, object: StoredObject | undefined): void {
    const known = this.#known.get(key) ?? this.#copied(key)
    if (known === undefined) throw new Violation(`${key} appears, and nobody has put it`)
    if (object === undefined) {
      known.isThere = false
      known.goneSince = this.#storage.changes
      return
    }
    if (!known.isThere) {
      if (this.#isBroken(known.place.thread)) known.mayBreak = true
      known.landings++
      known.isThere = true
      known.storedAt = this.#storage.now
      known.thereSince = this.#storage.changes
      // It was allowed to go once, and somebody may still be about to remove it.
      if (known.landings > 1) known.mayGo = true
    }
    if (this.#by.some((one) => one.isBesideDeletion && one.thread === known.place.thread && one.what !== "delete"))
      known.mayBreak = true
    this.#suspect(known)
  }

  /** A checkpoint that a copy brings. */
  #copied(key: string): Known | undefined {
    for (const operation of this.#by.filter(({ what }) => what === "copy")) {
      const found = this.of(operation.from as ThreadName).find((one) => one.inThread(operation.thread).key === key)
      if (found === undefined) continue
      this.#assertBeginning(operation, found)
      const known = found.inThread(operation.thread)
      known.mayGo = operation.isBesideDeletion
      known.mayBreak = known.mayGo || this.#isBroken(operation.thread)
      // What was acknowledged before the copy began is in it.
      for (const task of found.tasks.keys()) known.tasks.set(task, operation.tasksOf?.get(found)?.has(task) ?? false)
      this.#known.set(key, known)
      return known
    }
    return undefined
  }

  /** A copy is the beginning of the thread, whenever it breaks off. */
  #assertBeginning({ there = [], thread, isBesideDeletion }: Operation, found: Known): void {
    if (isBesideDeletion) return
    for (const older of there) {
      if (older.place.id >= found.place.id || !older.isThere || older.mayBreak || older.brokenSince !== undefined)
        continue
      if ((this.#known.get(older.inThread(thread).key)?.landings ?? 0) === 0)
        throw new Violation(`${found.name} is copied before ${older.name}`)
    }
  }

  /** Reads what may have been harmed. To be called between two requests. */
  async look(): Promise<void> {
    for (const known of this.#suspects) await this.#read(known)
    this.#suspects.clear()
  }

  async #read(known: Known): Promise<void> {
    if (!known.isThere) return
    try {
      const tuple = await this.#reader.getTuple(known.config)
      if (tuple === undefined) throw new Violation(`${known.name} is there, and is not found`)
      known.brokenSince = undefined
      this.compare(known, tuple, acknowledgedOf(known))
    } catch (error) {
      if (!(error instanceof CheckpointError) || error.code !== "CKPT_CORRUPT") throw error
      if (known.mayBreak) return
      const { key } = error as { readonly key?: string }
      if (key === undefined || !this.damages.has(key))
        throw new Violation(`${known.name} is there, and damaged: ${error.message}`)
      known.brokenSince ??= this.#storage.changes
    }
  }

  /** What was read is the checkpoint, with the writes of at least these tasks. */
  compare(known: Known, tuple: CheckpointTuple, tasks: ReadonlySet<string>): void {
    const text = textOf(tuple)
    if (text !== known.text) throw new Violation(`${known.name} is read as ${text}, and was put as ${known.text}`)
    const found = new Set<string>()
    for (const [task, channel, value] of tuple.pendingWrites ?? []) {
      if (channel !== "out" || value !== task || !this.#wasWritten(known, task))
        throw new Violation(`${known.name} is read with a write of ${task}: ${JSON.stringify([channel, value])}`)
      found.add(task)
    }
    for (const task of tasks)
      if (!found.has(task))
        throw new Violation(`${known.name} is read without the write of ${task}, which was acknowledged`)
  }

  /** Whether the task was to write on top of the checkpoint, or on top of its original or its copy. */
  #wasWritten({ place, tasks }: Known, task: string): boolean {
    const { namespace, id } = place
    if (tasks.has(task)) return true
    return [...this.#known.values()].some(
      (one) => one.place.id === id && one.place.namespace === namespace && one.tasks.has(task),
    )
  }

  /** A tuple that a saver was given. */
  known(tuple: CheckpointTuple): Known {
    const { thread_id, checkpoint_ns, checkpoint_id } = tuple.config.configurable ?? {}
    const found = this.of(thread_id).find(
      ({ place }) => place.namespace === checkpoint_ns && place.id === checkpoint_id,
    )
    if (found === undefined || found.landings === 0)
      throw new Violation(`${thread_id} ${checkpoint_id} is read, and was never there`)
    return found
  }

  /**
   * Whether a checkpoint may be damaged for a deletion of its thread, or since a copy has brought it once more while a prune removed its
   * writes.
   */
  mayBreak({
    thread,
    from = thread,
  }: {
    readonly thread: ThreadName
    readonly from?: ThreadName | undefined
  }): boolean {
    return this.of(from).some(({ mayBreak, landings }) => mayBreak || landings > 1) || this.#isDeleted(from)
  }

  /** After a quiet prune each value is needed, and no writes are without their checkpoint. */
  async assertSwept(thread: ThreadName): Promise<void> {
    const there = this.of(thread).filter(({ isThere }) => isThere)
    // What a damaged checkpoint names is not known.
    if (there.some(({ mayBreak }) => mayBreak)) return
    for (const key of this.keys(thread)) {
      const { kind, base } = parseKey(key) as ThreadKey
      if (kind === "time") throw new Violation(`${key} is never removed`)
      if (kind === "writes" && !this.#known.get(`${base}.c`)?.isThere)
        throw new Violation(`${key} is never removed, and has no checkpoint`)
      if (kind === "value" && !(await this.#isNeeded(key, there))) throw new Violation(`${key} is never removed`)
    }
  }

  /** Whether some checkpoint cannot be read without the value. */
  async #isNeeded(key: string, there: readonly Known[]): Promise<boolean> {
    const without = new SimulatedStorage({}, this.#storage)
    without.delete([key])
    const reader = saverAt(without, new ProcessClock(() => without.now))
    for (const { config } of there)
      if (
        await reader.getTuple(config).then(
          () => false,
          () => true,
        )
      )
        return true
    return false
  }

  /** Every acknowledged checkpoint is there and whole, unless a rule has allowed its removal. */
  async assertKept(): Promise<void> {
    for (const known of this.#known.values()) {
      if (known.isAcknowledged && !known.isThere && !known.mayGo)
        throw new Violation(`${known.name} was acknowledged, and is gone`)
      this.#suspect(known)
    }
    await this.look()
  }
}

const latestFirst = (a: Known, b: Known): number => (a.place.id > b.place.id ? -1 : 1)

/** The tasks whose writes must be there as long as the checkpoint is. Of one that came back after its removal they may be gone. */
export function acknowledgedOf({ tasks, landings, mayBreak }: Known): Set<string> {
  if (landings > 1 || mayBreak) return new Set()
  return new Set([...tasks].filter(([, isAcknowledged]) => isAcknowledged).map(([task]) => task))
}
