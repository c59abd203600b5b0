import type { StoreOperations, ValidationIssue, VerifyDepth } from "@ckpt/core"
import { inOrder } from "./in-order.js"

/** The verdict on one checkpoint. */
export interface Verdict {
  readonly id: number
  readonly valid: boolean
  readonly issues: readonly ValidationIssue[]
  readonly depth: VerifyDepth
  /** Bytes of its state that were read. */
  readonly bytes: number
}

/** Whether there is no such checkpoint: it never was, or was removed since it was listed. It is neither sound nor damaged then. */
export function isGone({ issues }: { readonly issues: readonly ValidationIssue[] }): boolean {
  return issues.some(({ code }) => code === "manifest-missing")
}

/** How far {@link verifyAll} has come. */
export interface VerifyProgress {
  /** Checkpoints; the part of a state that was read counts as a part of its checkpoint. */
  readonly done: number
  readonly total: number
  /** Bytes that were read so far. */
  readonly bytes: number
}

// A deep verification reads as fast as the line gives; more at once would only share it.
const atOnce = { shallow: 8, deep: 1 } as const

/** Verifies checkpoints, and gives each verdict in the order of the ids; see {@link isGone} for what is not there (any more). */
export async function* verifyAll(
  store: StoreOperations,
  ids: readonly number[],
  options: {
    readonly depth: VerifyDepth
    readonly signal?: AbortSignal | undefined
    readonly onProgress?: ((progress: VerifyProgress) => void) | undefined
  },
): AsyncGenerator<Verdict, void, void> {
  const { depth, signal, onProgress = () => {} } = options
  let done = 0
  let bytes = 0
  const total = ids.length
  onProgress({ done, total, bytes })
  yield* inOrder(ids, atOnce[depth], async (id) => {
    let read = 0
    const { valid, issues } = await store.verify(id, {
      ...{ depth, signal },
      onProgress: ({ bytesDone, bytesTotal = bytesDone }) => {
        read = Math.max(read, bytesDone)
        onProgress({ done: done + (bytesTotal > 0 ? bytesDone / bytesTotal : 0), total, bytes: bytes + bytesDone })
      },
    })
    done++
    bytes += read
    onProgress({ done, total, bytes })
    return { id, valid, issues, depth, bytes: read }
  })
}

/** A random share of the ids, the latest always among them, ascending. */
export function sampleOf(ids: readonly number[], share: number, random: () => number = Math.random): number[] {
  const wanted = Math.min(ids.length, Math.ceil(ids.length * share))
  const left = [...ids]
  const latest = left.pop()
  const taken = latest === undefined ? [] : [latest]
  while (taken.length < wanted) taken.push(...left.splice(Math.floor(random() * left.length), 1))
  return taken.sort((a, b) => a - b)
}

/**
 * The latest checkpoint of which every byte is sound; `undefined` if there is none. Retention itself compares sizes alone, and counts
 * as damaged what its store has found damaged before: so to ask this first keeps the last sound checkpoint under a rotten one.
 */
export async function latestSound(
  store: StoreOperations,
  signal?: AbortSignal,
  /** Called whenever it has come further. */
  onProgress: () => void = () => {},
): Promise<number | undefined> {
  for (const id of (await store.ids({ signal })).reverse()) {
    onProgress()
    if ((await store.verify(id, { depth: "deep", signal, onProgress })).valid) return id
  }
  return undefined
}
