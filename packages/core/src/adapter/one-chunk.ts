import { BackendError } from "../errors.js"
import type { Body } from "../storage/backend.js"

/**
 * The bytes of a `put` in one chunk, copied only where there are several: for a backend with `parts`, to which core gives
 * nothing else.
 */
export function oneChunk(body: Body): Uint8Array {
  if (!Array.isArray(body)) {
    throw new BackendError("permanent", "this storage takes a stream in parts only: write it with putBody")
  }
  const [only] = body as readonly Uint8Array[]
  return body.length === 1 && only !== undefined ? only : Buffer.concat(body)
}
