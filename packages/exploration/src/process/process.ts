import {
  CheckpointError,
  type CheckpointErrorCode,
  type CheckpointManifest,
  type CheckpointStore,
  createManifest,
} from "@ckpt/core"
import type { Core } from "../core.js"
import { nameRemoval } from "../model/legitimate.js"
import { type Model, Violation } from "../model/model.js"
import type { Operation } from "../model/operation.js"
import type { Network } from "../network/network.js"
import type { Lane } from "../network/request.js"
import { type Action, describeAction, policies } from "../scenario/action.js"
import type { ProcessPlan } from "../scenario/scenario.js"
import { stateText } from "../scenario/state-text.js"
import type { SimulatedStorage } from "../storage/storage.js"
import { ProcessClock } from "./clock.js"

export interface World {
  readonly core: Core
  /** How often a request is made at most. */
  readonly attempts: number
  readonly storage: SimulatedStorage
  readonly network: Network
  readonly model: Model
  /** Numbers for contents and updates. */
  count(): number
  readonly log: ((line: string) => void) | undefined
}

interface Save {
  readonly manifest: CheckpointManifest
  readonly state: Uint8Array | undefined
}

/** What an operation may end with, where nothing is damaged and nobody misuses it. */
const expected: ReadonlySet<CheckpointErrorCode> = new Set([
  "CKPT_CONFLICT",
  "CKPT_FENCED",
  "CKPT_UNKNOWN_OUTCOME",
  "CKPT_PRUNED",
  "CKPT_NOT_FOUND",
  "CKPT_INVALID",
  "CKPT_IO",
])

/** One process: a store over the network, a clock of its own, and a list of things to do. */
export class Process {
  readonly #name: string
  readonly #world: World
  readonly #plan: ProcessPlan
  readonly #clock: ProcessClock
  readonly #lane: Lane
  readonly #backend: ReturnType<Network["connect"]>["backend"]
  #store: CheckpointStore | undefined
  #plain: CheckpointStore | undefined
  #epoch = 0
  /** Of the claim under way, told by an event. */
  #claimedEpoch = 0
  #next = 0
  /** Contents of the saves under way. */
  readonly #saving: number[] = []
  #lastSave: Save | undefined
  #doing: readonly Operation[] = []

  constructor(name: string, plan: ProcessPlan, world: World) {
    this.#name = name
    this.#world = world
    this.#plan = plan
    this.#clock = new ProcessClock(() => world.storage.now)
    const { lane, backend } = world.network.connect(name)
    this.#lane = lane
    this.#backend = backend
    lane.doing = this.#doing
  }

  async run(): Promise<void> {
    const { core } = this.#world
    const { retain } = this.#plan
    if (retain !== undefined) this.#world.model.begin({ do: "prune", policy: retain }, this.#name, 0)
    this.#plain = await core.openCheckpointStore({
      backend: this.#backend,
      clock: this.#clock,
      random: () => 0,
      retry: { attempts: this.#world.attempts },
      timeoutMs: Number.POSITIVE_INFINITY,
      ...(retain === undefined ? {} : { retain: policies[retain] }),
      onEvent: (event) => {
        if (event.type === "claimed") this.#claimedEpoch = event.epoch
        if (event.type === "retention-failed") this.#onlyExpected("retention", event.error)
      },
    })
    this.#store = this.#plain
    const underWay: Promise<void>[] = []
    for (const action of this.#plan.actions) {
      if (!this.#lane.alive) return
      const running = this.#perform(action)
      if (action.meanwhile !== true) await running
      else {
        underWay.push(running)
        // Noticed below, unless something went wrong before.
        running.catch(() => {})
      }
    }
    await Promise.all(underWay)
  }

  /** All failures but violations end here. */
  async #perform(action: Action): Promise<void> {
    const { model, log } = this.#world
    const operation = model.begin(action, this.#name, this.#epoch)
    this.#setDoing([...this.#doing, operation])
    log?.(`${this.#name} begins ${describeAction(action)}`)
    try {
      const said = await this.#act(action, operation)
      log?.(`${this.#name} ${action.do}: ${said ?? "done"}`)
    } catch (error) {
      if (error instanceof Violation) throw error
      const code = this.#onlyExpected(action.do, error)
      log?.(`${this.#name} ${action.do}: ${code}`)
    } finally {
      this.#setDoing(this.#doing.filter((one) => one !== operation))
    }
  }

  #setDoing(doing: readonly Operation[]): void {
    this.#doing = doing
    // Retention after a save deletes while something else is done.
    this.#lane.doing = this.#plan.retain === undefined ? doing : []
  }

  #onlyExpected(what: string, error: unknown): CheckpointErrorCode {
    if (error instanceof CheckpointError) {
      if (expected.has(error.code)) return error.code
      if (error.code === "CKPT_UNSUPPORTED" && this.#world.model.probesCollected) return error.code
      throw new Violation(`${what} of ${this.#name} ended with ${error.code}: ${error.message}`)
    }
    throw error
  }

  async #act(action: Action, operation: Operation): Promise<string | undefined> {
    const { model, storage } = this.#world
    const store = this.#store as CheckpointStore
    const before = this.#observedLatest
    switch (action.do) {
      case "claim": {
        const claimed = await (this.#plain as CheckpointStore).claim()
        this.#store = claimed
        this.#epoch = this.#claimedEpoch
        model.claimed(this.#epoch)
        return `leads by claim ${this.#epoch}`
      }
      case "recover":
        return this.#recover(store, operation)
      case "save":
        return this.#save(store, action, operation)
      case "save again":
        return this.#lastSave === undefined ? "nothing" : this.#commit(store, this.#lastSave, operation)
      case "update":
        return this.#update(store, model.nth(action.which), operation)
      case "remove": {
        const id = model.nth(action.which)
        nameRemoval(operation, id)
        const removed = await store.remove(id)
        if (removed) model.removed([id])
        return removed ? `${id} is gone` : `${id} is not there`
      }
      case "prune": {
        const { removed } = await store.prune(policies[action.policy])
        model.removed(removed)
        return `removed ${removed.join(" ") || "nothing"}`
      }
      case "collectOrphans": {
        const { removed } = await store.collectOrphans({ olderThanMs: action.olderThanMs })
        return `removed ${removed.join(" ") || "nothing"}`
      }
      case "loadLatest": {
        const found = await store.loadLatest()
        model.readLatest(operation, found?.checkpointId ?? 0, found?.epoch)
        this.#observe(found?.checkpointId ?? 0, before)
        return String(found?.checkpointId ?? "nothing")
      }
      case "load": {
        const id = model.nth(action.which)
        const found = await store.load(id)
        if (found !== undefined) model.readOne(operation, id, found.epoch)
        return found === undefined ? `${id} is not there` : `${id} with content ${found.epoch}`
      }
      case "list": {
        const ids: number[] = []
        for await (const { id, valid, issues } of store.list()) {
          if (!valid) throw new Violation(`${id} is listed as damaged: ${issues[0]?.message}`)
          ids.push(id)
        }
        model.readAll(operation, ids)
        return ids.join(" ")
      }
      case "ids": {
        const ids = await store.ids()
        model.readIds(operation, ids)
        return ids.join(" ")
      }
      case "nextId":
        return String(this.#takeNext(operation, await store.nextId()))
      case "verify":
        await store.verify(model.nth(action.which))
        return undefined
      case "readState":
        return this.#readState(store, model.nth(action.which), operation)
      case "wait":
        storage.now += action.ms
        return undefined
      case "jump":
        this.#clock.jump(action.ms)
        return undefined
      case "pin": {
        const id = model.nth(action.which)
        await store.pin(id, action.name)
        model.pinned(operation, id, action.name)
        return `${id} is pinned as ${action.name}`
      }
      case "unpin":
        try {
          return (await store.unpin(action.name)) ? "gone" : "there was none"
        } finally {
          model.unpinned(action.name)
        }
      case "pins": {
        const pins = await store.pins()
        model.readPins(operation, pins)
        return pins.map(({ id, name }) => `${id} as ${name}`).join(", ")
      }
      case "restore":
        return this.#restore(store, operation)
    }
  }

  #observedLatest = 0

  /** `before`: the latest that this process had seen when it began to look. */
  #observe(id: number, before: number): void {
    if (id < before && !this.#world.model.shutOutByFirstClaim.has(before)) {
      throw new Violation(`the latest that ${this.#name} saw was ${before}, and now is ${id}`)
    }
    this.#observedLatest = id
  }

  #takeNext({ highestId }: Operation, next: number): number {
    if (next <= highestId) throw new Violation(`the next id is said to be ${next}, and ${highestId} is taken`)
    this.#next = Math.max(next, this.#next)
    return next
  }

  async #recover(store: CheckpointStore, operation: Operation): Promise<string> {
    const { model } = this.#world
    const before = this.#observedLatest
    const found = await store.recover()
    const { checkpoint, skipped, outcome, nextId } = found
    const damaged = skipped[0]
    if (damaged !== undefined)
      throw new Violation(`recovery calls ${damaged.id} damaged: ${damaged.issues[0]?.message}`)
    if (outcome === "exhausted") throw new Violation("recovery says exhausted, and nothing is damaged")
    model.readLatest(operation, checkpoint?.id ?? 0, checkpoint?.manifest.epoch)
    this.#observe(checkpoint?.id ?? 0, before)
    this.#takeNext(operation, nextId)
    const state = await checkpoint?.state()
    if (checkpoint === undefined) return outcome
    if (state !== undefined) this.#compare(checkpoint.manifest.epoch, await state.bytes())
    return `${checkpoint.id} with content ${checkpoint.manifest.epoch}, next ${nextId}`
  }

  async #restore(store: CheckpointStore, operation: Operation): Promise<string> {
    const before = this.#observedLatest
    const { outcome, skipped, checkpoint } = await store.restore(async (one) => {
      const bytes = await (await one.state())?.bytes()
      if (bytes !== undefined) this.#compare(one.manifest.epoch, bytes)
    })
    const damaged = skipped[0]
    if (damaged !== undefined) throw new Violation(`restore calls ${damaged.id} damaged: ${damaged.issues[0]?.message}`)
    if (outcome === "exhausted") throw new Violation("restore says exhausted, and nothing is damaged")
    this.#world.model.readLatest(operation, checkpoint?.id ?? 0, checkpoint?.manifest.epoch)
    this.#observe(checkpoint?.id ?? 0, before)
    return checkpoint === undefined ? outcome : `${checkpoint.id} with content ${checkpoint.manifest.epoch}`
  }

  #compare(content: number, bytes: Uint8Array): void {
    const text = Buffer.from(bytes).toString("latin1")
    if (text !== stateText(content))
      throw new Violation(`the state of content ${content} was read as ${JSON.stringify(text)}`)
  }

  async #readState(store: CheckpointStore, id: number, operation: Operation): Promise<string> {
    const manifest = await store.load(id)
    if (manifest === undefined) return `${id} is not there`
    this.#world.model.readOne(operation, id, manifest.epoch)
    const state = await store.readState(id)
    if (state === undefined) return `${id} has no state`
    // A state that no manifest covers any more is not verified; what it is, nobody promised.
    if (state.checksum !== undefined) this.#compare(manifest.epoch, await state.bytes())
    return `${id} is whole`
  }

  async #save(store: CheckpointStore, action: Action & { do: "save" }, operation: Operation): Promise<string> {
    // Another save may be asking at the same time; one process gives no id out twice.
    if (this.#next === 0) this.#next = Math.max(await store.nextId(), this.#next)
    const id = this.#next++
    const content = this.#world.count()
    const manifest = createManifest({ checkpointId: id, epoch: content, timestampMs: Math.max(1, this.#clock.now()) })
    const state = action.state === true ? new TextEncoder().encode(stateText(content)) : undefined
    if (state !== undefined && action.ahead === true) {
      await store.writeState(id, state)
      this.#lastSave = { manifest, state: undefined }
    } else this.#lastSave = { manifest, state }
    return this.#commit(store, this.#lastSave, operation)
  }

  async #commit(store: CheckpointStore, { manifest, state }: Save, operation: Operation): Promise<string> {
    const { model, log } = this.#world
    const { checkpointId: id, epoch: content } = manifest
    log?.(`${this.#name} saves ${id} with content ${content}`)
    model.tried(content)
    this.#saving.push(content)
    try {
      await store.save(manifest, state === undefined ? {} : { state })
    } catch (error) {
      // A retry may be refused while an earlier try of it is still under way.
      if (error instanceof CheckpointError && operation.action.do === "save") {
        // Of a plain writer that was refused by a claim, the claim may still have found the manifest.
        const fenced = error.code === "CKPT_FENCED" && operation.epoch > 0
        const alone = this.#saving.filter((one) => one === content).length === 1
        if (!alone) throw error
        if (error.code === "CKPT_CONFLICT" || error.code === "CKPT_IO" || fenced) model.refused(content)
      }
      throw error
    } finally {
      this.#saving.splice(this.#saving.indexOf(content), 1)
    }
    model.saved(operation, id, content)
    return `ACKNOWLEDGED ${id} with content ${content}`
  }

  async #update(store: CheckpointStore, id: number, operation: Operation): Promise<string> {
    const update = `u${this.#world.count()}`
    await store.update(id, (current) => ({
      ...current,
      sinkCommitStatuses: { ...current.sinkCommitStatuses, [update]: { status: "committed" } },
    }))
    this.#world.model.updated(operation, id, update)
    return `ACKNOWLEDGED ${update} of ${id}`
  }
}
