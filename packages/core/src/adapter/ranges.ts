import { BackendError } from "../errors.js"
import type { GetOptions, ObjectContent, ObjectMeta, ParallelRanges } from "../storage/backend.js"

/** The `capabilities.ranges` of a storage behind HTTP: what one read holds in memory is bounded by 32 MiB. */
export const parallelRanges: ParallelRanges = { bytes: 8 * 1024 * 1024, concurrency: 4 }

/** The value of a `Range` header; `undefined` for a whole object. HTTP cannot ask for no bytes: see {@link emptyContent}. */
export function rangeHeader(range: GetOptions["range"]): string | undefined {
  if (range === undefined) return undefined
  const { offset, length } = range
  return `bytes=${offset}-${length === undefined ? "" : offset + length - 1}`
}

/** What a `Content-Range` header tells. */
export interface AnsweredRange {
  /** Bytes of the whole object. */
  readonly size: number
  /** Bytes that follow. */
  readonly length: number
}

/**
 * What a `Content-Range` header tells: the size of the whole object and the number of bytes that follow. Refuses one that
 * is not what was asked for: a storage, or a proxy before it, may ignore a range or cut it.
 */
export function answeredRange(
  key: string,
  header: string | null | undefined,
  range: NonNullable<GetOptions["range"]>,
): AnsweredRange {
  const [start, end, size] = (/^bytes (\d+)-(\d+)\/(\d+)$/.exec(header ?? "") ?? []).slice(1).map(Number)
  const { offset, length = Number.POSITIVE_INFINITY } = range
  if (start !== offset || end === undefined || size === undefined || end !== Math.min(offset + length, size) - 1) {
    throw new BackendError(
      "transient",
      `${rangeHeader(range)} of ${key} was answered with ${header ? header : "no range"}`,
    )
  }
  return { size, length: end - start + 1 }
}

/** Refuses an answer with another version than the one that was asked for. */
export function assertVersion({ key, version }: ObjectMeta, ifVersion: string | undefined): void {
  if (ifVersion === undefined || ifVersion === version) return
  throw new BackendError("precondition", `${key} has version ${version}, not ${ifVersion}`)
}

/**
 * The content of a range that holds no byte: one of length 0, or one that starts at the end of the object, which services
 * refuse with 416 as they refuse one that starts past it.
 *
 * @param meta what is at the key now; `undefined` if nothing is
 * @throws {BackendError} `precondition` past the end or for another version; `transient` if there are bytes after all
 */
export function emptyContent(meta: ObjectMeta | undefined, options: GetOptions): ObjectContent | undefined {
  if (meta === undefined) return undefined
  const { key, size } = meta
  const { offset = 0, length } = options.range ?? {}
  assertVersion(meta, options.ifVersion)
  if (offset > size) throw new BackendError("precondition", `${key} has ${size} bytes, none at ${offset}`)
  if (offset < size && length !== 0) throw new BackendError("transient", `${key} changed while it was opened`)
  return { meta, body: nothing() }
}

async function* nothing(): AsyncGenerator<Uint8Array, void, void> {}
