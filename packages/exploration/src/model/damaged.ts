import { highestKept, isDead, type SeenHistory } from "./history.js"
import type { Operation } from "./operation.js"
import type { SeenManifest, View } from "./view.js"
import { Violation } from "./violation.js"

/** The checkpoints that others have damaged or removed, or that were lost. No promise holds for them but one: they are told. */
export class Damaged {
  /** The reference writes beside the stores, and moves the pointer as it likes. */
  byReference = false
  readonly #view: View
  readonly #lags: boolean
  /** Each with the time when it was damaged last, and the manifest that it had then. */
  readonly #ids = new Map<number, { readonly tick: number; readonly manifest: SeenManifest | undefined }>()
  /** Those that had been acknowledged. */
  readonly #acknowledged = new Set<number>()

  /** @param lags see `Notes.lags`: what is lost may be listed, too */
  constructor(view: View, lags: boolean) {
    this.#view = view
    this.#lags = lags
  }

  add(id: number, isAcknowledged: boolean, tick: number): void {
    this.#ids.set(id, { tick, manifest: this.#view.manifests.get(id) })
    if (isAcknowledged) this.#acknowledged.add(id)
  }

  /** `undefined`: is there any? */
  has(id: number | undefined): boolean {
    return id === undefined ? this.#ids.size > 0 : this.#ids.has(id)
  }

  get ids(): Iterable<number> {
    return this.#ids.keys()
  }

  /** Whether it was damaged before that tick, and nothing was put in its place since: no recovery that began then may give it. */
  isBroken(id: number, tick: number): boolean {
    if ((this.#ids.get(id)?.tick ?? tick) >= tick) return false
    const manifest = this.#view.manifests.get(id)
    return this.#view.garbled.has(id) || (manifest !== undefined && !this.#view.isWhole(manifest))
  }

  /** Whether the checkpoint is whole; true if nobody has damaged it, since then it must be. */
  isWhole(manifest: SeenManifest): boolean {
    return !this.#ids.has(manifest.id) || this.#view.isWhole(manifest)
  }

  /**
   * The latest checkpoint as these operations may know it: they may have seen what was damaged after they began. A state that was
   * written after its manifest is read before others go because of it; not so if the manifest was marked or updated since.
   */
  latestKnownTo(operations: readonly Operation[], latest: number): number {
    let known = latest
    for (const [id, { tick, manifest }] of this.#ids) {
      const isKnown = this.#lags || operations.length === 0 || operations.some(({ start }) => start < tick)
      if (id > known && (isKnown || this.#isRewritten(id, manifest))) known = id
    }
    return known
  }

  #isRewritten(id: number, then: SeenManifest | undefined): boolean {
    const now = this.#view.manifests.get(id)
    return then !== undefined && now !== undefined && then !== now
  }

  /** Another save has written another checkpoint in its place. */
  #isReplaced(id: number): boolean {
    const [then, now] = [this.#ids.get(id)?.manifest, this.#view.manifests.get(id)]
    return then !== undefined && now !== undefined && then.content !== now.content
  }

  /** A claim was given. It cannot judge what it cannot read, so it must keep it, for its leader to tell of. */
  assertKept(before: SeenHistory, now: SeenHistory): void {
    for (const id of this.#acknowledged) {
      if (!this.#view.garbled.has(id) || isDead(id, before) || !isDead(id, now)) continue
      throw new Violation(`checkpoint ${id} was acknowledged, and is damaged, and claim ${now.epoch} does not keep it`)
    }
  }

  /**
   * The highest damaged checkpoint that was acknowledged, and that a reader can know of: its manifest is there (a listing that lags
   * need not show it), or the pointer or the history names it, and nothing was written in its place. 0: there is none.
   */
  get mustTell(): number {
    const view = this.#view
    const { history, pointer } = view
    const named = [pointer.checkpointId, history.top, highestKept(history)]
    const isKnown = (id: number) => {
      const isNamed = named.includes(id)
      if (view.garbled.has(id) || (view.isCounting(id) && !this.#isReplaced(id))) return isNamed || !this.#lags
      return isNamed && !view.manifests.has(id)
    }
    return Math.max(0, ...[...this.#acknowledged].filter((id) => !isDead(id, history) && isKnown(id)))
  }
}
