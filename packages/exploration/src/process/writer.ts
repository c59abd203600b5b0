import {
  CheckpointError,
  type CheckpointErrorCode,
  type CheckpointManifest,
  type CheckpointStore,
  createManifest,
} from "@ckpt/core"
import type { Operation } from "../model/operation.js"
import type { Writing } from "../scenario/action.js"
import { stateText } from "../scenario/state-text.js"
import type { Self } from "./self.js"

interface Save {
  readonly manifest: CheckpointManifest
  readonly state: Uint8Array | undefined
}

/** The failures of an update after which nobody knows whether its change took effect. */
const leavesOpen: ReadonlySet<CheckpointErrorCode> = new Set(["CKPT_UNKNOWN_OUTCOME", "CKPT_FENCED"])

/** Writes for one process, and tells the model the answers. */
export class Writer {
  readonly #self: Self
  /** Contents of the saves under way. */
  readonly #saving: number[] = []
  #lastSave: Save | undefined

  constructor(self: Self) {
    this.#self = self
  }

  /** Resolves to the words for the trace. */
  async write(action: Writing, operation: Operation): Promise<string> {
    const self = this.#self
    const { store, world } = self
    switch (action.do) {
      case "claim": {
        self.leads(await self.plain.claim())
        world.model.claimed(self.epoch)
        return `leads by claim ${self.epoch}`
      }
      case "save":
        return this.#save(store, action, operation)
      case "save again":
        return this.#lastSave === undefined ? "nothing" : this.#commit(store, this.#lastSave, operation)
      case "update":
        return this.#update(store, world.model.nth(action.which), operation)
    }
  }

  async #save(store: CheckpointStore, action: Writing & { do: "save" }, operation: Operation): Promise<string> {
    const self = this.#self
    // Two saves may ask at the same time; a process must not use an id twice.
    if (self.nextId === 0) self.nextId = Math.max(await store.nextId(), self.nextId)
    const id = self.nextId++
    const content = self.world.count()
    const manifest = createManifest({ checkpointId: id, epoch: content, timestampMs: Math.max(1, self.clock.now()) })
    const state = action.state === true ? new TextEncoder().encode(stateText(content)) : undefined
    if (state !== undefined && action.ahead === true) {
      await store.writeState(id, state)
      this.#lastSave = { manifest, state: undefined }
    } else this.#lastSave = { manifest, state }
    return this.#commit(store, this.#lastSave, operation)
  }

  async #commit(store: CheckpointStore, { manifest, state }: Save, operation: Operation): Promise<string> {
    const { name, world } = this.#self
    const { model, log } = world
    const { checkpointId: id, epoch: content } = manifest
    log?.(`${name} saves ${id} with content ${content}`)
    model.tried(content)
    this.#saving.push(content)
    try {
      await store.save(manifest, state === undefined ? {} : { state })
    } catch (error) {
      // `save again` may be refused while the first call of the same save is still under way.
      if (error instanceof CheckpointError && operation.action.do === "save") {
        // A plain writer that is refused by a claim is not refused for certain: the claim may have found its manifest.
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
    const { world } = this.#self
    const update = `u${world.count()}`
    // Each application counts, so a change that is applied twice shows.
    const change = (current: CheckpointManifest): CheckpointManifest => ({
      ...current,
      sinkEpochs: { ...current.sinkEpochs, [update]: (current.sinkEpochs[update] ?? 0) + 1 },
      sinkCommitStatuses: { ...current.sinkCommitStatuses, [update]: { status: "committed" } },
    })
    try {
      await store.update(id, change)
    } catch (error) {
      // Who is superseded may learn of it after the swap: a refusal by a claim leaves the outcome open.
      if (error instanceof CheckpointError && !leavesOpen.has(error.code)) world.model.updateRefused(id, update)
      throw error
    }
    world.model.updated(operation, id, update)
    return `ACKNOWLEDGED ${update} of ${id}`
  }
}
