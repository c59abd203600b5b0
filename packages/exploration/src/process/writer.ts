import {
  CheckpointError,
  type CheckpointErrorCode,
  type CheckpointManifest,
  createManifest,
  type LeaderStore,
  type StateSource,
  type StoreOperations,
} from "@ckpt/core"
import type { Operation } from "../model/operation.js"
import type { Source, Writing } from "../scenario/action.js"
import { stateText } from "../scenario/state-text.js"
import type { Self } from "./self.js"

interface Save {
  readonly manifest: CheckpointManifest
  readonly state: Uint8Array | undefined
}

/** The source of a state has failed: an error of the caller's own. */
export class SourceFailed extends Error {}

/** The failures of a save after which its checkpoint never counts. */
const certain: ReadonlySet<CheckpointErrorCode> = new Set([
  "CKPT_CONFLICT",
  "CKPT_CORRUPT",
  "CKPT_FENCED",
  "CKPT_INVALID",
  "CKPT_IO",
])

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
        self.leads(await this.#claim(operation))
        world.model.answers.claimed(operation, self.epoch)
        return `leads by claim ${self.epoch}`
      }
      case "release":
        return (await self.release()) ? "leads no more" : "did not lead"
      case "repair":
        return (await self.plain.repair({ signal: operation.signal })) ? "built anew" : "nothing is lost"
      case "save":
        return this.#save(store, action, operation)
      case "save again":
        return this.#lastSave === undefined ? "nothing" : this.#commit(store, this.#lastSave, undefined, operation)
      case "update":
        return this.#update(store, world.model.nth(action.which), operation)
    }
  }

  async #claim(operation: Operation): Promise<LeaderStore> {
    const { plain, world } = this.#self
    try {
      return await this.#self.claiming(plain.claim({ signal: operation.signal }))
    } catch (error) {
      if (error instanceof CheckpointError && error.code === "CKPT_FENCED") world.model.answers.claimRefused(operation)
      throw error
    }
  }

  async #save(store: StoreOperations, action: Writing & { do: "save" }, operation: Operation): Promise<string> {
    const self = this.#self
    const { signal } = operation
    // Two saves may ask at the same time; a process must not use an id twice.
    if (self.nextId === 0) self.nextId = Math.max(await store.nextId({ signal }), self.nextId)
    const id = self.nextId++
    const content = self.world.count()
    const manifest = createManifest({ checkpointId: id, epoch: content, timestampMs: Math.max(1, self.clock.now()) })
    const state = action.state === true ? new TextEncoder().encode(stateText(content)) : undefined
    if (state !== undefined && action.ahead === true) {
      await store.writeState(id, state, { signal })
      this.#lastSave = { manifest, state: undefined }
    } else this.#lastSave = { manifest, state }
    return this.#commit(store, this.#lastSave, action.source, operation)
  }

  /** The bytes of a state as a stream, one piece for each request of this process that arrives. */
  async *#stream(bytes: Uint8Array, how: Source): AsyncGenerator<Uint8Array> {
    const middle = bytes.length >> 1
    yield bytes.subarray(0, middle)
    await this.#self.pause()
    if (how === "failing") throw new SourceFailed()
    yield bytes.subarray(middle)
  }

  async #commit(
    store: StoreOperations,
    { manifest, state }: Save,
    how: Source | undefined,
    operation: Operation,
  ): Promise<string> {
    const { name, world } = this.#self
    const { model, log } = world
    const { checkpointId: id, epoch: content } = manifest
    log?.(`${name} saves ${id} with content ${content}`)
    model.answers.tried(content)
    if (operation.action.do === "save") model.answers.saving(operation, id)
    this.#saving.push(content)
    try {
      const source: StateSource | undefined =
        state === undefined || how === undefined ? state : this.#stream(state, how)
      await store.save(manifest, { ...(source === undefined ? {} : { state: source }), signal: operation.signal })
    } catch (error) {
      // Its manifest is there, and a claim is being made that cannot be taken out: then nobody knows whether it counts.
      if (error instanceof CheckpointError && error.code === "CKPT_UNKNOWN_OUTCOME" && !model.isWritten(id, content))
        world.assertUnknown(`the save of ${id}`)
      // `save again` may be refused while the first call of the same save is still under way.
      const alone = this.#saving.filter((one) => one === content).length === 1
      const isCertain = error instanceof SourceFailed || (error instanceof CheckpointError && certain.has(error.code))
      if (isCertain && alone && operation.action.do === "save") model.answers.refused(operation, content)
      throw error
    } finally {
      this.#saving.splice(this.#saving.indexOf(content), 1)
    }
    model.answers.saved(operation, id, content)
    return `ACKNOWLEDGED ${id} with content ${content}`
  }

  async #update(store: StoreOperations, id: number, operation: Operation): Promise<string> {
    const { world } = this.#self
    const update = `u${world.count()}`
    // Each application counts, so a change that is applied twice shows.
    const change = (current: CheckpointManifest): CheckpointManifest => ({
      ...current,
      sinkEpochs: { ...current.sinkEpochs, [update]: (current.sinkEpochs[update] ?? 0) + 1 },
      sinkCommitStatuses: { ...current.sinkCommitStatuses, [update]: { status: "committed" } },
    })
    world.model.answers.updateBegins(operation, update)
    try {
      await store.update(id, change, { signal: operation.signal })
    } catch (error) {
      if (!(error instanceof CheckpointError) || error.code === "CKPT_UNKNOWN_OUTCOME") throw error
      if (error.applied === true) world.model.answers.updated(operation, id, update, false)
      else world.model.answers.updateRefused(id, update)
      throw error
    }
    world.model.answers.updated(operation, id, update, true)
    return `ACKNOWLEDGED ${update} of ${id}`
  }
}
