import type { Checkpoint, Recovery, StoreOperations } from "@ckpt/core"
import type { Operation } from "../model/operation.js"
import { Violation } from "../model/violation.js"
import type { Reading } from "../scenario/action.js"
import { stateText } from "../scenario/state-text.js"
import type { Self } from "./self.js"

/** Reads for one process, tells the model the answers, and remembers the latest checkpoint that the process saw. */
export class Reader {
  readonly #self: Self
  #observedLatest = 0

  constructor(self: Self) {
    this.#self = self
  }

  /** Resolves to the words for the trace. */
  async read(action: Reading, operation: Operation): Promise<string | undefined> {
    const {
      world: { model },
      store,
    } = this.#self
    const before = this.#observedLatest
    const { told } = this.#self
    const { signal } = operation
    told.length = 0
    switch (action.do) {
      case "recover":
        return this.#recover(operation)
      case "restore":
        return this.#restore(operation)
      case "loadLatest": {
        const found = await store.loadLatest({ signal })
        const damaged = model.readings.mustTell(operation)
        if (found === undefined && damaged > 0)
          throw new Violation(`loadLatest says that there is nothing, and ${damaged} was acknowledged`)
        model.readings.latest(operation, found?.checkpointId ?? 0, found?.epoch, told)
        this.#observe(found?.checkpointId ?? 0, before)
        return String(found?.checkpointId ?? "nothing")
      }
      case "load": {
        const id = model.nth(action.which)
        const found = await store.load(id, { signal })
        if (found !== undefined) model.readings.one(operation, id, found.epoch)
        return found === undefined ? `${id} is not there` : `${id} with content ${found.epoch}`
      }
      case "list": {
        const found: { id: number; content: number | undefined }[] = []
        const damaged: (number | undefined)[] = []
        for await (const { id, epoch, valid, issues } of store.list({ signal })) {
          if (valid) found.push({ id, content: epoch })
          else {
            model.readings.skipped("list", [{ id, issues }])
            damaged.push(id)
          }
        }
        model.readings.all(operation, found, [...damaged, ...told])
        await this.#latestPage(operation, store)
        return found.map(({ id }) => id).join(" ")
      }
      case "ids": {
        const ids = await store.ids({ signal })
        model.readings.ids(operation, ids, told)
        return ids.join(" ")
      }
      case "nextId":
        return String(this.#takeNext(operation, await store.nextId({ signal })))
      case "verify":
        await store.verify(model.nth(action.which), { signal })
        return undefined
      case "readState":
        return this.#readState(model.nth(action.which), operation)
    }
  }

  /** The last page of the list, of one checkpoint: it is the latest, or it is told to be damaged. */
  async #latestPage(operation: Operation, store: StoreOperations): Promise<void> {
    const { world, told } = this.#self
    const { readings } = world.model
    const [last] = await store.list({ last: 1, signal: operation.signal }).toArray()
    if (last?.valid === false) return readings.skipped("the last page", [last])
    if (last === undefined && readings.mustTell(operation) > 0 && told.length === 0)
      throw new Violation("the last page is empty, and nothing is said of what is damaged")
    readings.latest(operation, last?.id ?? 0, last?.epoch, told)
  }

  /** `before`: the latest checkpoint that this process had seen when the operation began. */
  #observe(id: number, before: number): void {
    const { name, world } = this.#self
    if (id < before && !world.model.readings.mayBePassedOver(before)) {
      throw new Violation(`the latest that ${name} saw was ${before}, and now is ${id}`)
    }
    this.#observedLatest = id
  }

  #takeNext(operation: Operation, next: number): number {
    const taken = this.#self.world.model.readings.highestTaken(operation)
    if (next <= taken && !this.#self.told.includes(undefined))
      throw new Violation(`the next id is said to be ${next}, and ${taken} is taken`)
    this.#self.nextId = Math.max(next, this.#self.nextId)
    return next
  }

  async #recover(operation: Operation): Promise<string> {
    const { world, store } = this.#self
    const before = this.#observedLatest
    const { checkpoint, skipped, outcome, nextId } = await store.recover({ signal: operation.signal })
    operation.isAnswered = true
    this.#judge("recovery", skipped, outcome, operation)
    world.model.readings.latest(operation, checkpoint?.id ?? 0, checkpoint?.manifest.epoch, [
      ...told(skipped, outcome),
      ...this.#self.told,
    ])
    if (checkpoint !== undefined)
      world.model.answers.recovered(operation, checkpoint.id, checkpoint.manifest.sinkEpochs)
    this.#observe(checkpoint?.id ?? 0, before)
    this.#takeNext(operation, nextId)
    const state = await checkpoint?.state()
    if (checkpoint === undefined) return outcome
    if (state?.checksum !== undefined) compare(checkpoint.manifest.epoch, await state.bytes())
    return `${checkpoint.id} with content ${checkpoint.manifest.epoch}, next ${nextId}`
  }

  async #restore(operation: Operation): Promise<string> {
    const { world, store } = this.#self
    const before = this.#observedLatest
    const visit = async (one: Checkpoint) => {
      const state = await one.state()
      const bytes = await state?.bytes()
      // The reference's manifest does not say whether it has a state: one of ours may be beside it.
      if (bytes !== undefined && state?.checksum !== undefined) compare(one.manifest.epoch, bytes)
    }
    const { outcome, skipped, checkpoint } = await store.restore(visit, { signal: operation.signal })
    this.#judge("restore", skipped, outcome, operation)
    world.model.readings.latest(operation, checkpoint?.id ?? 0, checkpoint?.manifest.epoch, [
      ...told(skipped, outcome),
      ...this.#self.told,
    ])
    if (checkpoint !== undefined)
      world.model.answers.recovered(operation, checkpoint.id, checkpoint.manifest.sinkEpochs)
    this.#observe(checkpoint?.id ?? 0, before)
    return checkpoint === undefined ? outcome : `${checkpoint.id} with content ${checkpoint.manifest.epoch}`
  }

  #judge(who: string, skipped: Recovery["skipped"], outcome: Recovery["outcome"], operation: Operation): void {
    const { model } = this.#self.world
    model.readings.skipped(who, skipped)
    if (outcome === "exhausted" && !model.isDamaged)
      throw new Violation(`${who} says exhausted, and nothing is damaged`)
    const damaged = model.readings.mustTell(operation)
    if (outcome === "fresh" && damaged > 0)
      throw new Violation(`${who} says fresh, and ${damaged} was acknowledged, and is damaged`)
  }

  async #readState(id: number, operation: Operation): Promise<string> {
    const { world, store } = this.#self
    const manifest = await store.load(id, { signal: operation.signal })
    if (manifest === undefined) return `${id} is not there`
    world.model.readings.one(operation, id, manifest.epoch)
    const state = await store.readState(id, { signal: operation.signal })
    if (state === undefined) return `${id} has no state`
    // Without a checksum no manifest covers the state any more: its content is not promised.
    if (state.checksum !== undefined) compare(manifest.epoch, await state.bytes())
    return `${id} is whole`
  }
}

/** The ids that are told to be damaged or missing. `undefined`: that something is, by the outcome itself. */
export function told(skipped: Recovery["skipped"], outcome: Recovery["outcome"]): (number | undefined)[] {
  const ids = skipped.map(({ id }) => id)
  return outcome === "exhausted" ? [...ids, undefined] : ids
}

function compare(content: number, bytes: Uint8Array): void {
  const text = Buffer.from(bytes).toString("latin1")
  if (text !== stateText(content)) {
    throw new Violation(`the state of content ${content} was read as ${JSON.stringify(text)}`)
  }
}
