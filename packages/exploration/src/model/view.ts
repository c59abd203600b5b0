import { stateText } from "../scenario/state-text.js"
import { nameOf, type ObjectName } from "../storage/keys.js"
import type { StoredObject } from "../storage/storage.js"

/** The fields of a manifest that the model looks at. */
export interface SeenManifest {
  readonly id: number
  /** The number of the call of save that wrote it, kept in the manifest as its epoch. */
  readonly content: number
  readonly writerEpoch: number
  readonly stateSize: number
  /** The updates that it holds, by name, and how often each was applied. */
  readonly updates: ReadonlyMap<string, number>
}

interface SeenPointer {
  readonly checkpointId: number
  readonly floor: number
  readonly kept: readonly number[]
  readonly claims: readonly { epoch: number; from: number }[]
}

const noPointer: SeenPointer = { checkpointId: 0, floor: 0, kept: [], claims: [] }

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
  const writer = fields["writer"] as { epoch: number } | undefined
  return {
    id: fields["checkpoint_id"] as number,
    content: fields["epoch"] as number,
    writerEpoch: writer?.epoch ?? 0,
    stateSize: fields["state_size"] as number,
    updates: new Map(Object.entries(fields["sink_epochs"] as Record<string, number>)),
  }
}

function pointerOf(fields: Record<string, unknown>): SeenPointer {
  return {
    checkpointId: fields["checkpoint_id"] as number,
    floor: (fields["floor"] as number | undefined) ?? 0,
    kept: (fields["kept"] as number[] | undefined) ?? [],
    claims: (fields["claims"] as SeenPointer["claims"] | undefined) ?? [],
  }
}

/** The pointer of the directory layout: the name of a checkpoint's directory, and nothing else. */
function bareName(bytes: Uint8Array): SeenPointer | undefined {
  const match = /^checkpoint_(\d+)/.exec(Buffer.from(bytes).toString("latin1"))
  return match === null ? undefined : { ...noPointer, checkpointId: Number(match[1]) }
}

/** The objects of the storage, and which of them count. The rule of the protocol by code of its own, not by core's. */
export class View {
  readonly manifests = new Map<number, SeenManifest>()
  readonly #states = new Map<number, string>()
  /** `from` of every claim that there ever was, by epoch. */
  readonly #claims = new Map<number, number>()
  #pointer = noPointer

  /** Takes one change in. Returns the kind and the id of the object that changed. */
  change(key: string, object: StoredObject | undefined): ObjectName | undefined {
    const name = nameOf(key)
    if (name === undefined) return undefined
    const { kind, id } = name
    if (kind === "pointer") {
      this.#pointer = object === undefined ? noPointer : (bareName(object.bytes) ?? parse(object.bytes, pointerOf))
      for (const { epoch, from } of this.#pointer.claims) this.#claims.set(epoch, from)
    } else if (kind === "manifest") {
      if (object === undefined) this.manifests.delete(id)
      else this.manifests.set(id, parse(object.bytes, manifestOf))
    } else if (object === undefined) this.#states.delete(id)
    else this.#states.set(id, Buffer.from(object.bytes).toString("latin1"))
    return name
  }

  get pointer(): SeenPointer {
    return this.#pointer
  }

  /** The reader's rule. */
  counts({ id, writerEpoch }: SeenManifest): boolean {
    const { checkpointId, floor, kept, claims } = this.#pointer
    if (claims.length > 0 && id > checkpointId) return false
    if (id <= floor && !kept.includes(id)) return false
    for (const claim of claims) if (claim.epoch > writerEpoch && claim.from < id) return false
    return true
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

  /** The epoch of a claim that shuts the checkpoint out, also of a claim that was trimmed since. */
  shutOutBy({ id, writerEpoch }: SeenManifest): number | undefined {
    for (const [epoch, from] of this.#claims) if (epoch > writerEpoch && from < id) return epoch
    return undefined
  }

  /** Whether the state of the checkpoint is there, whole. */
  isWhole({ id, content, stateSize }: SeenManifest): boolean {
    return stateSize === 0 || this.#states.get(id) === stateText(content)
  }

  hasState(id: number): boolean {
    return this.#states.has(id)
  }
}
