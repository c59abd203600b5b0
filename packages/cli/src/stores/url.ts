import { CheckpointError } from "@ckpt/core"
import { schemeOf } from "@ckpt/core/adapter"

/** A store's URL. What stands behind its scheme is taken apart by the package of the scheme. */
export interface StoreUrl {
  /** The URL as it was given. */
  readonly text: string
  /** In lower case, without the colon. */
  readonly scheme: string
  /** The last segment, for people. */
  readonly name: string
}

/**
 * Looks at a URL. Whether its scheme is known is not asked here.
 *
 * @throws {CheckpointError} `CKPT_INVALID`
 */
export function parseStoreUrl(text: string): StoreUrl {
  const scheme = schemeOf(text)
  const rest = text.slice(scheme.length + 1)
  const isName = (segment: string) => segment !== "" && segment !== "." && segment !== ".."
  return { text, scheme, name: rest.split(/[/\\]/).findLast(isName) ?? (rest || text) }
}

/** The error of a URL or an option that cannot be used. */
export function invalid(message: string, cause?: unknown): CheckpointError {
  return new CheckpointError("CKPT_INVALID", `${message}.`, { cause })
}
