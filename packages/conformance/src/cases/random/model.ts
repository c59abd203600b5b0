import type { ObjectBackend, ObjectContent } from "@ckpt/core"
import { pattern } from "../../harness/bytes.js"

/** What an object should be. */
interface Expected {
  readonly bytes: Uint8Array
  readonly version: string
}

/** A body that was opened and is not read to its end. */
export interface OpenBody {
  readonly name: string
  readonly iterator: AsyncIterator<Uint8Array>
  readonly content: ObjectContent
  readonly bytes: Uint8Array
  taken: number
}

/** What the storage should hold. Names are those under the prefix of the sequence. */
export class Model {
  readonly objects = new Map<string, Expected>()
  /** Every version that a name has had, with its bytes; the latest last. */
  readonly versions = new Map<string, Expected[]>()
  readonly bodies: OpenBody[] = []

  /** Notes what is at a name now. */
  write(name: string, bytes: Uint8Array, version: string): void {
    const written = { bytes, version }
    this.objects.set(name, written)
    this.versions.set(name, [...(this.versions.get(name) ?? []), written])
  }

  /** The version that a condition names: the object's own, an older one of its name, or one of another name. */
  versionFor(name: string, which: WhichVersion): string {
    const current = this.objects.get(name)?.version
    if (which === "current") return current ?? this.#other(name, current) ?? "none"
    const old = (this.versions.get(name) ?? []).map(({ version }) => version).filter((version) => version !== current)
    return old.at(-1) ?? this.#other(name, current) ?? changed(current ?? "none")
  }

  #other(name: string, current: string | undefined): string | undefined {
    for (const [other, { version }] of this.objects) if (other !== name && version !== current) return version
    return undefined
  }
}

/** The same text but for its last letter or digit. */
function changed(version: string): string {
  return version.replace(/[a-z0-9](?=[^a-z0-9]*$)/i, (last) => (last === "0" ? "1" : "0"))
}

export type WhichVersion = "current" | "another"

/** The storage under a sequence of calls. */
export interface Real {
  readonly backends: readonly ObjectBackend[]
  /** Everything that this sequence writes has a key that starts so. */
  readonly prefix: string
  /** The calls so far, for a reader. */
  readonly script: string[]
}

/**
 * The names of a sequence. `a` beside `a/b` is not among them: no storage with real folders has both. Nor do they lie deeper than
 * checkpoints do: some storages show the folder that a failed write has left there.
 */
export const names = ["s/1", "s/10", "s/1.x", "s/2/state", "t/1", "p"] as const

/** The pointer of commits. */
export const pointerName = "p"

/** The bytes of a write, by numbers that a script can show. */
export interface Content {
  readonly size: number
  readonly seed: number
}

/** Bytes whose end is zero now and then, as a storage that pads would have it. */
export function bytesFor({ size, seed }: Content): Uint8Array {
  const bytes = pattern(size, seed)
  if (seed % 4 === 0) bytes.fill(0, Math.floor(size * 0.9))
  return bytes
}
