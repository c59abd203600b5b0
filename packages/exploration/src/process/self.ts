import type { CheckpointStore, LayoutName, LeaderStore, ObjectBackend, StoreOperations } from "@ckpt/core"
import type { Core } from "../core.js"
import type { Model } from "../model/model.js"
import type { Network } from "../network/network.js"
import { historyKey } from "../storage/keys.js"
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
  /** The id of the next save; 0: not asked for yet. */
  nextId = 0
  /** Checkpoints that an event of the store called damaged or missing. `undefined`: the pointer could not be read. */
  readonly told: (number | undefined)[] = []
  /** The storage over the network. */
  readonly backend: ObjectBackend
  #plain: CheckpointStore | undefined
  #leader: LeaderStore | undefined

  constructor(name: string, world: World, backend: ObjectBackend) {
    this.name = name
    this.world = world
    this.backend = backend
    this.clock = new ProcessClock(() => world.storage.now)
  }

  /** The store as it was opened: it claims. */
  get plain(): CheckpointStore {
    return this.#plain as CheckpointStore
  }

  /** The store of the last claim, or else the plain one. */
  get store(): StoreOperations {
    return this.#leader ?? this.plain
  }

  opened(plain: CheckpointStore): void {
    this.#plain = plain
  }

  leads(leader: LeaderStore): void {
    this.#leader = leader
    this.epoch = leader.epoch
  }

  /** One request of this process that does nothing: the scheduler says when it arrives. */
  async pause(): Promise<void> {
    await this.backend.head(historyKey(this.world.layout))
  }

  /** Gives the lead up; false if this process has none. */
  async release(): Promise<boolean> {
    const leader = this.#leader
    this.#leader = undefined
    this.epoch = 0
    await leader?.release()
    return leader !== undefined
  }
}
