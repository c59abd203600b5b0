import type { SimulatedStorage } from "../storage/storage.js"
import { Acknowledgements } from "./acknowledgements.js"
import { Claims } from "./claims.js"
import { Counted } from "./counted.js"
import { Damaged } from "./damaged.js"
import { Doubts } from "./doubts.js"
import type { Operation } from "./operation.js"
import { Pins } from "./pins.js"
import { Updates } from "./updates.js"
import { View } from "./view.js"

/** The facts about a run that the parts of the model share. */
export class Notes {
  readonly storage: SimulatedStorage
  readonly view = new View()
  readonly counted = new Counted()
  readonly claims = new Claims()
  readonly updates = new Updates()
  readonly pins = new Pins()
  readonly doubts = new Doubts(this.view)
  readonly damaged: Damaged
  readonly acknowledgements: Acknowledgements
  /** Listings may lag: they need not show what was written or removed a moment ago. */
  readonly lags: boolean
  /** When the first object with this key was created, by the storage's clock. */
  readonly created = new Map<string, number>()
  /** When another program last overwrote the manifest of a checkpoint. */
  readonly overwrittenAt = new Map<number, number>()
  /** When the pointer was last damaged; -1: never. */
  pointerDamagedAt = -1
  /**
   * Another program is damaging an object, and need not leave it readable. Not so while a manifest is put back, or while the reference
   * writes.
   */
  isDamaging = false
  #tick = 0

  constructor(storage: SimulatedStorage, lags: boolean) {
    this.storage = storage
    this.lags = lags
    this.damaged = new Damaged(this.view, lags)
    this.acknowledgements = new Acknowledgements(this.view, lags)
  }

  /**
   * The model's clock. It counts changes of the storage, beginnings of operations and of listings, acknowledgements and damages: enough
   * to say which came first.
   */
  get tick(): number {
    return this.#tick
  }

  nextTick(): number {
    return ++this.#tick
  }

  /** Checkpoints or the history were damaged: what a reader saw before says nothing. */
  get isDamaged(): boolean {
    return this.doubts.any || this.damaged.has(undefined)
  }

  /** Whether another program has overwritten the manifest since the operation began: its work may be lost before it is answered. */
  isOverwritten({ start }: Operation, id: number): boolean {
    return start < (this.overwrittenAt.get(id) ?? 0)
  }
}
