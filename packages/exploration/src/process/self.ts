import type { CheckpointStore, LayoutName } from "@ckpt/core"
import type { Core } from "../core.js"
import type { Model } from "../model/model.js"
import type { Network } from "../network/network.js"
import type { SimulatedStorage } from "../storage/storage.js"
import { ProcessClock } from "./clock.js"

/** The surroundings that all processes of one schedule share. */
export interface World {
  readonly core: Core
  /** Default "objects". */
  readonly layout: LayoutName | undefined
  /** How often a request is made at most. */
  readonly attempts: number
  readonly storage: SimulatedStorage
  readonly network: Network
  readonly model: Model
  /** Numbers for contents and updates. */
  count(): number
  readonly log: ((line: string) => void) | undefined
}

/** One process, as its actions share it. */
export class Self {
  readonly name: string
  readonly world: World
  readonly clock: ProcessClock
  /** The epoch of the claim that the process writes under; 0: none. */
  epoch = 0
  /** The epoch of the claim under way, told by an event. */
  claimedEpoch = 0
  /** The id of the next save; 0: not asked for yet. */
  nextId = 0
  /** Checkpoints that the process was told are missing or damaged, by events, oldest first. */
  readonly skipped: number[] = []
  #plain: CheckpointStore | undefined
  #store: CheckpointStore | undefined

  constructor(name: string, world: World) {
    this.name = name
    this.world = world
    this.clock = new ProcessClock(() => world.storage.now)
  }

  /** The store as it was opened: it claims. */
  get plain(): CheckpointStore {
    return this.#plain as CheckpointStore
  }

  /** The store of the last claim, or else the plain one. */
  get store(): CheckpointStore {
    return this.#store as CheckpointStore
  }

  opened(plain: CheckpointStore): void {
    this.#plain = plain
    this.#store = plain
  }

  leads(claimed: CheckpointStore): void {
    this.#store = claimed
    this.epoch = this.claimedEpoch
  }
}
