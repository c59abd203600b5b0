import type { ObjectBackend } from "@ckpt/core"
import type { Asking } from "../../stores/ask.js"

/** Where the doctor looks, and how it asks. */
export interface Place extends Asking {
  readonly backend: ObjectBackend
  /** Of the store: empty, or segments that end in "/". */
  readonly prefix: string
  readonly signal: AbortSignal
  /** The folder of a `file:` store. */
  readonly folder?: string | undefined
}

/** The first key under a prefix; `undefined` without any. */
export async function firstKey(
  backend: ObjectBackend,
  prefix: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  for await (const { key } of backend.list(prefix, { signal })) return key
  return undefined
}
