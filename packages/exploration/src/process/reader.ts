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
    switch (action.do) {
      case "recover":
        return this.#recover(operation)
      case "restore":
        return this.#restore(operation)
      case "loadLatest": {
        const found = await store.loadLatest()
        model.readings.latest(operation, found?.checkpointId ?? 0, found?.epoch)
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
        for await (const { id, valid, issues } of store.list()) {
          if (!valid) throw new Violation(`${id} is listed as damaged: ${issues[0]?.message}`)
          ids.push(id)
        }
        model.readings.all(operation, ids)
        return ids.join(" ")
      }
      case "ids": {
        const ids = await store.ids()
        model.readings.ids(operation, ids)
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
    if (id < before && !world.model.shutOutByFirstClaim.has(before)) {
      throw new Violation(`the latest that ${name} saw was ${before}, and now is ${id}`)
    }
    this.#observedLatest = id
  }

  #takeNext({ highestId }: Operation, next: number): number {
    if (next <= highestId) throw new Violation(`the next id is said to be ${next}, and ${highestId} is taken`)
    this.#self.nextId = Math.max(next, this.#self.nextId)
    return next
  }

  async #recover(operation: Operation): Promise<string> {
    const { world, store } = this.#self
    const before = this.#observedLatest
    const { checkpoint, skipped, outcome, nextId } = await store.recover()
    assertNothingDamaged("recovery", skipped, outcome)
    world.model.readings.latest(operation, checkpoint?.id ?? 0, checkpoint?.manifest.epoch)
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
    assertNothingDamaged("restore", skipped, outcome)
    world.model.readings.latest(operation, checkpoint?.id ?? 0, checkpoint?.manifest.epoch)
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

function assertNothingDamaged(who: string, skipped: Recovery["skipped"], outcome: Recovery["outcome"]): void {
  const damaged = skipped[0]
  if (damaged !== undefined) throw new Violation(`${who} calls ${damaged.id} damaged: ${damaged.issues[0]?.message}`)
  if (outcome === "exhausted") throw new Violation(`${who} says exhausted, and nothing is damaged`)
}

function compare(content: number, bytes: Uint8Array): void {
  const text = Buffer.from(bytes).toString("latin1")
  if (text !== stateText(content)) {
    throw new Violation(`the state of content ${content} was read as ${JSON.stringify(text)}`)
  }
}
