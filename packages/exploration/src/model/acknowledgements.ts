import type { Doubt } from "./doubt.js"
import { highestKept } from "./history.js"
import type { Acknowledged, Operation } from "./operation.js"
import type { View } from "./view.js"
import { Violation } from "./violation.js"

/** The saves that were acknowledged, and the checkpoints that a claim has kept. */
export class Acknowledgements {
  readonly byId = new Map<number, Acknowledged>()
  readonly #view: View
  readonly #lags: boolean
  /** Those of which nothing is promised any more: see `miss`. */
  readonly #missed = new Set<number>()
  /** The id of the pointer when a claim was begun. */
  #pointerAtClaim = 0
  /** When `miss` was called last. */
  #missedAt = 0

  constructor(view: View, lags: boolean) {
    this.#view = view
    this.#lags = lags
  }

  /** A save was acknowledged; or, if not `saved`, a claim has kept the checkpoint, and nobody was told of it. */
  add({ id, content, saved, tick, outranked }: Omit<Acknowledged, "pruned">): void {
    const before = this.byId.get(id)
    if (before === undefined) {
      this.byId.set(id, { id, content, tick, outranked, saved, pruned: false })
      return
    }
    before.saved ||= saved
    if (before.content === content) return
    throw new Violation(`checkpoint ${id} was acknowledged with content ${before.content}, and now with ${content}`)
  }

  /** The checkpoint was damaged by others. */
  forget(id: number): void {
    this.byId.delete(id)
  }

  get highest(): number {
    let highest = 0
    for (const { id, pruned } of this.byId.values()) if (!pruned && id > highest) highest = id
    return highest
  }

  /**
   * The highest id that a reader must find which begins now. Where listings lag, that is the highest id that the pointer or the
   * history names: readers look at such an id by itself.
   */
  get expected(): number {
    if (!this.#lags) return this.highest
    const { pointer, history } = this.#view
    const named = [pointer.checkpointId, history.top, highestKept(history)]
    return Math.max(0, ...named.filter((id) => this.byId.get(id)?.pruned === false))
  }

  /**
   * The highest id that was acknowledged when an operation began; where listings lag, that of the operation or none: any other may be
   * missing from them. What was lost since, and saved anew under the same id, is another checkpoint.
   *
   * @param isDamaged what was removed had a later checkpoint, which may be damaged since
   */
  before({ acknowledged: most, start }: Operation, isDamaged: boolean): number {
    const isOut = ({ id, pruned, tick }: Acknowledged) =>
      id > most || tick > start || (isDamaged && pruned) || this.#missed.has(id)
    const all = [...this.byId.values()].filter((one) => !isOut(one))
    const highest = Math.max(0, ...all.map(({ id }) => id))
    return this.#lags && highest !== most ? 0 : highest
  }

  /**
   * Those that nobody was seen to remove, and that do not count now.
   *
   * @param doubt since the history was damaged
   * @throws {Violation} if one counts, and is another checkpoint or is not whole
   */
  missing(doubt: Doubt | undefined, when: string): Acknowledged[] {
    return [...this.byId.values()].filter((one) => !one.pruned && !this.#isThere(one, doubt, when))
  }

  #isThere({ id, content }: Acknowledged, doubt: Doubt | undefined, when: string): boolean {
    const manifest = this.#view.manifests.get(id)
    const counts = manifest !== undefined && (doubt === undefined ? this.#view.counts(manifest) : doubt.isThere(id))
    if (!counts || (manifest.content === content && this.#view.isWhole(manifest))) return counts
    throw new Violation(
      `checkpoint ${id} was acknowledged with content ${content}, and has ${manifest.content} ${when}`,
    )
  }

  /** The checkpoint of this save was missed before the save was acknowledged: see `miss`. */
  isMissed({ start }: Operation, id: number): boolean {
    return start < this.#missedAt && !this.#view.isCounting(id)
  }

  claimBegins(): void {
    this.#pointerAtClaim = this.#view.pointer.checkpointId
  }

  /**
   * A claim was given. It goes by a listing: where listings lag, it must keep what the pointer names, and may miss others. A claim
   * that was taken out, and is given all the same, may miss what was acknowledged since it was begun.
   *
   * @param revivedSince when the claim was begun that had been taken out; `undefined`: it was not
   */
  claimed(tick: number, revivedSince: number | undefined): void {
    const { checkpointId } = this.#view.pointer
    if (revivedSince !== undefined) this.miss(tick, (one) => one.tick > revivedSince)
    if (this.#lags) this.miss(tick, ({ id }) => id !== checkpointId || id !== this.#pointerAtClaim)
  }

  /** Nothing is promised any more of these checkpoints, if they do not count now. */
  miss(tick: number, which: (one: Acknowledged) => boolean): void {
    this.#missedAt = tick
    for (const one of this.byId.values()) {
      if (this.#view.isCounting(one.id) || !which(one)) continue
      one.pruned = true
      this.#missed.add(one.id)
    }
  }
}
