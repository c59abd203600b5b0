import { BackendError, type ObjectBackend } from "@ckpt/core"
import { intercept } from "../../harness/faults.js"

type ObjectBody = AsyncIterable<Uint8Array>

/** The same storage, with the body of one key changed. */
export function withBody(
  backend: ObjectBackend,
  changedKey: string,
  change: (body: ObjectBody, offset: number | undefined) => ObjectBody,
): ObjectBackend {
  return {
    ...intercept(backend, {}),
    async get(key, options) {
      const content = await backend.get(key, options)
      if (content === undefined || key !== changedKey) return content
      return { meta: content.meta, body: change(content.body, options?.range?.offset) }
    },
  }
}

/** A storage whose body of one key has a flipped bit in every chunk, and fails the storage's checksum at its end. */
export function damaging(
  backend: ObjectBackend,
  damagedKey: string,
  withhold: boolean,
  isDamaged: (offset: number | undefined) => boolean,
): ObjectBackend {
  async function* damaged(body: ObjectBody): AsyncGenerator<Uint8Array, void, void> {
    let held: Uint8Array | undefined
    for await (const chunk of inPieces(body, 100_000)) {
      if (held !== undefined) yield held
      held = chunk.map((byte) => byte ^ 1)
      if (withhold) continue
      yield held
      held = undefined
    }
    throw new BackendError("transient", "the checksum of the answer does not match", { checksumMismatch: true })
  }
  return withBody(backend, damagedKey, (body, offset) => (isDamaged(offset) ? damaged(body) : body))
}

async function* inPieces(body: ObjectBody, size: number): AsyncGenerator<Uint8Array, void, void> {
  for await (const chunk of body) {
    for (let offset = 0; offset < chunk.length; offset += size) yield chunk.subarray(offset, offset + size)
  }
}
