/** The history as the model reads it: by code of its own, not by core's. */
export interface SeenHistory {
  readonly lineage: string
  readonly epoch: number
  readonly writer: string | undefined
  /** The writer of a claim that is being made. */
  readonly claimant: string | undefined
  readonly floor: number
  /** Inclusive ranges. */
  readonly kept: readonly (readonly [first: number, last: number])[]
  readonly top: number
  readonly pins: ReadonlyMap<string, number>
}

/** Of a store whose history was never written. */
export const noHistory: SeenHistory = {
  lineage: "",
  epoch: 0,
  writer: undefined,
  claimant: undefined,
  floor: 0,
  kept: [],
  top: 0,
  pins: new Map(),
}

export function historyOf(fields: Record<string, unknown>): SeenHistory {
  const kept = fields["kept"] as string
  return {
    lineage: fields["lineage"] as string,
    epoch: fields["epoch"] as number,
    writer: fields["writer"] as string | undefined,
    claimant: (fields["claiming"] as { writer: string } | undefined)?.writer,
    floor: fields["floor"] as number,
    kept: kept === "" ? [] : kept.split(" ").map(rangeOf),
    top: fields["top"] as number,
    pins: new Map(Object.entries(fields["pins"] as Record<string, number>)),
  }
}

function rangeOf(text: string): readonly [number, number] {
  const [first, last = first] = text.split("-").map(Number)
  return [first as number, last as number]
}

/** Nothing of this id counts, now or later. */
export function isDead(id: number, { floor, kept }: SeenHistory): boolean {
  return floor > 0 && id <= floor && !kept.some(([first, last]) => first <= id && id <= last)
}

/** The highest kept id; 0: none is kept. */
export function highestKept({ kept }: SeenHistory): number {
  return kept.at(-1)?.[1] ?? 0
}

/** The rule of the protocol. */
export function counts(id: number, writerEpoch: number, history: SeenHistory): boolean {
  if (history.floor > 0 && id <= history.floor) return !isDead(id, history)
  return writerEpoch === history.epoch
}
