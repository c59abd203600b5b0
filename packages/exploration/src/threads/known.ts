import type { CheckpointTuple } from "@langchain/langgraph-checkpoint"
import type { Action } from "../scenario/action.js"
import type { PruneRules, ThreadName } from "../scenario/thread-action.js"
import { baseOf, type Place } from "./keys.js"
import type { Config } from "./saver.js"

/** A call of a saver, as the model sees it. */
export interface Operation {
  readonly what: "put" | "put writes" | "get" | "list" | "prune" | "delete" | "copy"
  readonly action: Action
  readonly process: string
  /** The thread that it changes or reads; of a copy the new one. */
  readonly thread: ThreadName
  /** When it began, in changes of the storage. */
  readonly begun: number
  /** Of a prune: with the ids that it keeps. */
  readonly rules?: PruneRules & { readonly keep: readonly string[] }
  /** Of a deletion and a copy: the checkpoints that were there when it began; of a copy those of the original. */
  readonly there?: readonly Known[]
  /** Of a put. */
  readonly puts?: Known
  /** Of a copy: the original. */
  readonly from?: ThreadName
  /** Of a copy: the acknowledged writes of each checkpoint of the original when it began. */
  readonly tasksOf?: ReadonlyMap<Known, ReadonlySet<string>>
  /** The thread was deleted meanwhile. */
  isBesideDeletion: boolean
}

/** A checkpoint that a saver was given, and what the model knows of it. */
export class Known {
  readonly place: Place
  /** The key of its object. */
  readonly key: string
  /** The id of its parent, without which it is not whole. */
  readonly needs: string | undefined
  /** The id of the graph's checkpoint that a subgraph ran on. */
  readonly root: string | undefined
  /** Its contents as text. */
  readonly text: string
  /** Each task that was to write, and whether its write was acknowledged. */
  readonly tasks = new Map<string, boolean>()
  isThere = false
  isUnderWay = false
  isAcknowledged = false
  /** How often its object has appeared. */
  landings = 0
  /** The storage's time. */
  storedAt = 0
  /** In changes of the storage. */
  thereSince = 0
  /** In changes of the storage. */
  goneSince = -1
  /** Since when something of it is damaged, in changes of the storage. */
  brokenSince: number | undefined
  /** A rule has allowed its removal. */
  mayGo = false
  /** Its thread was deleted while it was stored: nothing is promised of it. */
  mayBreak = false

  constructor(place: Place, text: string, { needs, root }: { needs: string | undefined; root: string | undefined }) {
    this.place = place
    this.key = `${baseOf(place)}.c`
    this.text = text
    this.needs = needs
    this.root = root
  }

  get name(): string {
    const { thread, namespace, id } = this.place
    return `${thread}${namespace === "" ? "" : `/${namespace}`} ${id}`
  }

  get config(): Config {
    return configOf(this.place)
  }

  /** The same in another thread. */
  inThread(thread: ThreadName): Known {
    return new Known({ ...this.place, thread }, this.text, this)
  }
}

export function configOf({ thread, namespace, id }: Omit<Place, "id"> & { readonly id?: string | undefined }): Config {
  const place = { thread_id: thread, checkpoint_ns: namespace }
  return { configurable: id === undefined ? place : { ...place, checkpoint_id: id } }
}

/** What must be the same whenever a checkpoint is read, as text. */
export function textOf({ checkpoint, metadata, parentConfig }: Omit<CheckpointTuple, "config">): string {
  const values = Object.entries(checkpoint.channel_values).sort(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify([checkpoint.id, values, metadata, parentConfig?.configurable?.["checkpoint_id"]])
}
