import type { CheckpointStore, LayoutName, LeaderStore, ObjectBackend, StoreOperations } from "@ckpt/core"
import type { Core } from "../core.js"
import type { Model } from "../model/model.js"
import { Violation } from "../model/violation.js"
import type { Session } from "../network/backend.js"
import type { Network } from "../network/network.js"
import type { Lane } from "../network/request.js"
import { historyKey } from "../storage/keys.js"
import type { SimulatedStorage } from "../storage/storage.js"
import { ProcessClock } from "./clock.js"

/** The surroundings that all processes of one schedule share. */
export interface World {
  readonly core: Core
  /** Default "objects". */
  readonly layout: LayoutName | undefined
  /** Throws if each request is answered, and says what it did: then an outcome is known. */
  assertUnknown(what: string): void
  /** The storage of a new store. */
  backend(lane: Lane): { backend: ObjectBackend; session: Session }
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
  readonly lane: Lane
  /** The storage over the network, for requests that no store makes. */
  readonly backend: ObjectBackend
  #plain: CheckpointStore | undefined
  #leader: LeaderStore | undefined
  #session: Session | undefined
  /** All that the store was given. */
  #leaders: LeaderStore[] = []
  /** Claims under way. */
  readonly #claims = new Set<Promise<unknown>>()

  constructor(name: string, world: World) {
    this.name = name
    this.world = world
    this.lane = world.network.connect(name)
    this.backend = world.network.backend(this.lane).backend
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

  opened(plain: CheckpointStore, session: Session): void {
    this.#plain = plain
    this.#session = session
    this.#leaders = []
    this.#leader = undefined
    this.epoch = 0
  }

  /** The requests of the store. */
  get session(): Session | undefined {
    return this.#session
  }

  /** The store was closed, and no other was opened. */
  get isClosed(): boolean {
    return this.#session?.isClosed === true
  }

  /** A leader that is given while the store closes would go on with its backend. */
  async claiming<T>(claim: Promise<T>): Promise<T> {
    this.#claims.add(claim)
    try {
      return await claim
    } finally {
      this.#claims.delete(claim)
    }
  }

  /** Closes the store, and those of its claims first. From then on no request may come from them. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#claims)
    await Promise.all(this.#leaders.map((one) => one.close()))
    await this.plain.close()
    const session = this.#session as Session
    if (session.underWay > 0)
      throw new Violation(`${this.name} has closed its store, and ${session.underWay} of its requests are under way`)
    session.isClosed = true
    this.#leader = undefined
    this.epoch = 0
  }

  /** A closed store has made a request. */
  assertQuiet(): void {
    const late = this.#session?.tooLate
    if (late !== undefined) throw new Violation(`the store was closed, and asks for more: ${late}`)
  }

  leads(leader: LeaderStore): void {
    this.#leader = leader
    this.#leaders.push(leader)
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
