import type { Body, ObjectBackend, ObjectMeta } from "./backend.js"
import { type UploadOptions, uploadInParts, uploadUnlessShort } from "./upload-in-parts.js"

/**
 * Writes a body of any length: by `put` where the backend takes any body by it; otherwise by `put` if it fits the first
 * part, so that the backend gets bytes in memory, and in parts if it is longer.
 */
export function putBody(
  backend: ObjectBackend,
  key: string,
  body: Body,
  options: UploadOptions = {},
): Promise<ObjectMeta> {
  const { when, weakly, size, signal } = options
  const { parts } = backend
  if (parts === undefined) return backend.put(key, body, { when, ...(weakly && { weakly }), size, signal })
  if (Array.isArray(body)) {
    const bytes = size ?? body.reduce((sum: number, chunk: Uint8Array) => sum + chunk.length, 0)
    if (bytes <= parts.partBytes(0, bytes)) return backend.put(key, body, { when, size: bytes, signal })
    return uploadInParts(parts, key, body, { ...options, size: bytes })
  }
  // What is known to be long is begun before it is read.
  if (size !== undefined && size > parts.partBytes(0, size)) return uploadInParts(parts, key, body, options)
  return uploadUnlessShort(parts, key, body, options, (bytes, s) =>
    backend.put(key, [bytes], { when, size: bytes.length, signal: s }),
  )
}
