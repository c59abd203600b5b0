import type { Recovery } from "@ckpt/core"
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
    const told = this.#self.skipped.length
    switch (action.do) {
      case "recover":
        return this.#recover(operation)
      case "restore":
        return this.#restore(operation)
      case "loadLatest": {
        const found = await store.loadLatest()
        model.readings.latest(operation, found?.checkpointId ?? 0, found?.epoch, this.#skippedSince(told))
        this.#observe(found?.checkpointId ?? 0, before)
        return String(found?.checkpointId ?? "nothing")
      }
      case "load": {
        const id = model.nth(action.which)
        const found = await store.load(id)
        if (found !== undefined) model.readings.one(operation, id, found.epoch)
        return found === undefined ? `${id} is not there` : `${id} with content ${found.epoch}`
      }
      case "list": {
        const ids: number[] = []
        const damaged: number[] = []
        for await (const { id, valid } of store.list()) {
          if (!valid) damaged.push(id)
          ids.push(id)
        }
        model.readings.all(operation, ids, [...damaged, ...this.#skippedSince(told)])
        return ids.join(" ")
      }
      case "ids": {
        const ids = await store.ids()
        model.readings.ids(operation, ids, this.#skippedSince(told))
        return ids.join(" ")
      }
      case "nextId":
        return String(this.#takeNext(operation, await store.nextId()))
      case "verify":
        await store.verify(model.nth(action.which))
        return undefined
      case "readState":
        return this.#readState(model.nth(action.which), operation)
    }
  }

  /** `before`: the latest checkpoint that this process had seen when the operation began. */
  #observe(id: number, before: number): void {
    const { name, world } = this.#self
    if (id < before && !world.model.mayBePassedOver(before)) {
      throw new Violation(`the latest that ${name} saw was ${before}, and now is ${id}`)
    }
    this.#observedLatest = id
  }

  /** The checkpoints that events told of as missing or damaged, since there were `told` of them. */
  #skippedSince(told: number): readonly number[] {
    return this.#self.skipped.slice(told)
  }

  #takeNext(operation: Operation, next: number): number {
    const taken = this.#self.world.model.highestTaken(operation)
    if (next <= taken) throw new Violation(`the next id is said to be ${next}, and ${taken} is taken`)
    this.#self.nextId = Math.max(next, this.#self.nextId)
    return next
  }

  async #recover(operation: Operation): Promise<string> {
    const { world, store } = this.#self
    const before = this.#observedLatest
    const { checkpoint, skipped, outcome, nextId } = await store.recover()
    assertOutcome("recovery", skipped, outcome)
    if (outcome === "fresh") world.model.readings.fresh(operation)
    world.model.readings.latest(operation, checkpoint?.id ?? 0, checkpoint?.manifest.epoch, idsOf(skipped))
    this.#observe(checkpoint?.id ?? 0, before)
    this.#takeNext(operation, nextId)
    const state = await checkpoint?.state()
    if (checkpoint === undefined) return outcome
    if (state !== undefined) compare(checkpoint.manifest.epoch, await state.bytes())
    return `${checkpoint.id} with content ${checkpoint.manifest.epoch}, next ${nextId}`
  }

  async #restore(operation: Operation): Promise<string> {
    const { world, store } = this.#self
    const before = this.#observedLatest
    const { outcome, skipped, checkpoint } = await store.restore(async (one) => {
      const bytes = await (await one.state())?.bytes()
      if (bytes !== undefined) compare(one.manifest.epoch, bytes)
    })
    assertOutcome("restore", skipped, outcome)
    if (outcome === "fresh") world.model.readings.fresh(operation)
    world.model.readings.latest(operation, checkpoint?.id ?? 0, checkpoint?.manifest.epoch, idsOf(skipped))
    this.#observe(checkpoint?.id ?? 0, before)
    return checkpoint === undefined ? outcome : `${checkpoint.id} with content ${checkpoint.manifest.epoch}`
  }

  async #readState(id: number, operation: Operation): Promise<string> {
    const { world, store } = this.#self
    const manifest = await store.load(id)
    if (manifest === undefined) return `${id} is not there`
    world.model.readings.one(operation, id, manifest.epoch)
    const state = await store.readState(id)
    if (state === undefined) return `${id} has no state`
    // Without a checksum no manifest covers the state any more: its content is not promised.
    if (state.checksum !== undefined) compare(manifest.epoch, await state.bytes())
    return `${id} is whole`
  }
}

/** Whether the skipped are damaged indeed is the model's question. */
function assertOutcome(who: string, skipped: Recovery["skipped"], outcome: Recovery["outcome"]): void {
  if (outcome === "exhausted" && skipped.length === 0)
    throw new Violation(`${who} says exhausted, and calls nothing damaged`)
  if (outcome === "fresh" && skipped.length > 0)
    throw new Violation(`${who} says fresh, and calls ${idsOf(skipped).join(" ")} damaged`)
}

function idsOf(skipped: Recovery["skipped"]): number[] {
  return skipped.flatMap(({ id }) => (id === undefined ? [] : [id]))
}

function compare(content: number, bytes: Uint8Array): void {
  const text = Buffer.from(bytes).toString("latin1")
  if (text !== stateText(content)) {
    throw new Violation(`the state of content ${content} was read as ${JSON.stringify(text)}`)
  }
}
