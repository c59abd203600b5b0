import { stateText } from "../scenario/state-text.js"
import { nameOf, type ObjectName } from "../storage/keys.js"
import type { StoredObject } from "../storage/storage.js"
import { counts, historyOf, isDead, noHistory, type SeenHistory } from "./history.js"

/** The fields of a manifest that the model looks at. */
export interface SeenManifest {
  readonly id: number
  /** The number of the call of save that wrote it, kept in the manifest as its epoch. */
  readonly content: number
  readonly writerEpoch: number
  /** The highest epoch that it carries: of its writer, or of the leader that recovered it last. */
  readonly carries: number
  /** 0 also for a manifest of the reference, which does not say. */
  readonly stateSize: number
  /** The updates that it holds, by name, and how often each was applied. */
  readonly updates: ReadonlyMap<string, number>
}

interface SeenPointer {
  readonly checkpointId: number
  readonly saysHistory: boolean
}

const noPointer: SeenPointer = { checkpointId: 0, saysHistory: false }

const parsed = new WeakMap<Uint8Array, unknown>()

function parse<T>(bytes: Uint8Array, make: (fields: Record<string, unknown>) => T): T {
  let known = parsed.get(bytes) as T | undefined
  if (known === undefined) {
    known = make(JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1")))
    parsed.set(bytes, known)
  }
  return known
}

function manifestOf(fields: Record<string, unknown>): SeenManifest {
  const writerEpoch = (fields["writer"] as { epoch: number } | undefined)?.epoch ?? 0
  return {
    id: fields["checkpoint_id"] as number,
    content: fields["epoch"] as number,
    writerEpoch,
    carries: Math.max(writerEpoch, (fields["seen"] as number | undefined) ?? 0),
    stateSize: (fields["state_size"] as number | undefined) ?? 0,
    updates: new Map(Object.entries((fields["sink_epochs"] as Record<string, number> | undefined) ?? {})),
  }
}

function pointerOf(fields: Record<string, unknown>): SeenPointer {
  return { checkpointId: fields["checkpoint_id"] as number, saysHistory: fields["history"] === true }
}

/** The pointer of the directory layout: the name of a checkpoint's directory, and nothing else. */
function bareName(bytes: Uint8Array): SeenPointer | undefined {
  const match = /^checkpoint_(\d+)/.exec(Buffer.from(bytes).toString("latin1"))
  return match === null ? undefined : { ...noPointer, checkpointId: Number(match[1]) }
}

function pointerIn({ bytes }: StoredObject): SeenPointer {
  return bareName(bytes) ?? parse(bytes, pointerOf)
}

/** Of a pointer that is damaged, or put back. */
function readable(object: StoredObject): SeenPointer {
  try {
    return pointerIn(object)
  } catch {
    return noPointer
  }
}

/** The objects of the storage, and which of them count. The rule of the protocol by code of its own, not by core's. */
export class View {
  /** Those that can be read. */
  readonly manifests = new Map<number, SeenManifest>()
  /** Ids whose manifest a process has damaged, and that were not written since. */
  readonly garbled = new Set<number>()
  /** Every version of the history that a store wrote. */
  readonly histories: StoredObject[] = []
  /** Every version of the pointer that a store wrote. */
  readonly pointers: StoredObject[] = []
  /** Every version of each manifest that a store wrote. */
  readonly #written = new Map<number, StoredObject[]>()
  readonly #states = new Map<number, string>()
  #pointer = noPointer
  #history = noHistory

  /** Takes one change in. Returns the kind and the id of the object that changed. `isDamage`: a process damages it. */
  change(key: string, object: StoredObject | undefined, isDamage: boolean): ObjectName | undefined {
    const name = nameOf(key)
    if (name === undefined) return undefined
    const { kind, id } = name
    if (kind === "pointer") {
      if (!isDamage && object !== undefined) this.pointers.push(object)
      this.#pointer = object === undefined ? noPointer : isDamage ? readable(object) : pointerIn(object)
    } else if (kind === "history") {
      if (!isDamage) this.#history = object === undefined ? noHistory : parse(object.bytes, historyOf)
      if (!isDamage && object !== undefined) this.histories.push(object)
    } else if (kind === "manifest") {
      this.manifests.delete(id)
      this.garbled.delete(id)
      if (object !== undefined && isDamage) this.garbled.add(id)
      else if (object !== undefined) {
        this.manifests.set(id, parse(object.bytes, manifestOf))
        this.#written.set(id, [...this.writtenOf(id), object])
      }
    } else if (object === undefined) this.#states.delete(id)
    else this.#states.set(id, Buffer.from(object.bytes).toString("latin1"))
    return name
  }

  writtenOf(id: number): readonly StoredObject[] {
    return this.#written.get(id) ?? []
  }

  get pointer(): SeenPointer {
    return this.#pointer
  }

  /** As it was last written by a store, or put back. */
  get history(): SeenHistory {
    return this.#history
  }

  /** The highest id that counts and is whole, by the history as it is, whether it can be believed or not; 0: there is none. */
  get latest(): number {
    const sound = [...this.manifests.values()].filter((one) => this.counts(one) && this.isWhole(one))
    return Math.max(0, ...sound.map(({ id }) => id))
  }

  /** The highest epoch that a manifest carries. */
  get carried(): number {
    return Math.max(0, ...[...this.manifests.values()].map(({ carries }) => carries))
  }

  /** Whether a history that a store wrote ever made this id dead. */
  wasEverDead(id: number): boolean {
    return this.histories.some(({ bytes }) => isDead(id, parse(bytes, historyOf)))
  }

  /** The history is damaged, or an older version is put back. */
  damageHistory(left: StoredObject | undefined): void {
    this.#history = left === undefined ? noHistory : parse(left.bytes, historyOf)
  }

  /** The reader's rule. */
  counts({ id, writerEpoch }: SeenManifest): boolean {
    return counts(id, writerEpoch, this.#history)
  }

  /** The manifest of this id, if it counts. */
  counting(id: number): SeenManifest | undefined {
    const manifest = this.manifests.get(id)
    return manifest !== undefined && this.counts(manifest) ? manifest : undefined
  }

  /** Whether there is a checkpoint of this id, and it counts. */
  isCounting(id: number): boolean {
    return this.counting(id) !== undefined
  }

  /** Whether the state of the checkpoint is there, whole. */
  isWhole({ id, content, stateSize }: SeenManifest): boolean {
    return stateSize === 0 || this.#states.get(id) === stateText(content)
  }

  hasState(id: number): boolean {
    return this.#states.has(id)
  }
}
