import { joinChunks } from "../bytes/chunks.js"
import type { Watch } from "./attempt.js"
import type { ObjectBackend, ObjectMeta } from "./backend.js"
import { discard, lengthError } from "./read-object.js"

export interface StoredBytes {
  readonly meta: ObjectMeta
  readonly bytes: Uint8Array
}

/** An object whose size said that it is not to be read. */
export interface UnreadObject {
  readonly meta: ObjectMeta
  readonly bytes?: never
}

/**
 * One attempt to read a whole object; `undefined` if nothing is there.
 *
 * @param mayRead asked before the first byte is read
 */
export async function readWhole(
  backend: ObjectBackend,
  key: string,
  mayRead: (size: number) => boolean,
  signal: AbortSignal,
  watch: Watch,
): Promise<StoredBytes | UnreadObject | undefined> {
  const content = await backend.get(key, { signal })
  if (content === undefined) return undefined
  const { meta } = content
  if (!mayRead(meta.size)) {
    await discard(content)
    return { meta }
  }
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of content.body) {
    watch.touch()
    size += chunk.length
    // A storage that sends more than it announced would defeat the cap.
    if (size > meta.size) throw lengthError(key, meta.size, size)
    chunks.push(chunk)
  }
  if (size !== meta.size) throw lengthError(key, meta.size, size)
  return { meta, bytes: joinChunks(chunks, size) }
}
