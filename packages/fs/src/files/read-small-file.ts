import { constants } from "node:fs"
import { hasErrno } from "./errors.js"
import type { FileApi } from "./file-api.js"
import { damaged, versionOf } from "./file-info.js"

/** A pointer or a claim is a few lines. A larger file is neither, and must not be read into memory. */
const maxBytes = 1 << 20

/** Follows no link, and does not wait for the writer of a named pipe. */
export const readFlags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

export interface FoundFile {
  readonly version: string
  readonly bytes: Uint8Array
}

/**
 * Reads a pointer or a claim; `undefined` if there is no such file. A symbolic link, a pipe or an oversized file says nothing, so
 * it counts as no file. A directory is `damaged`.
 */
export async function readSmallFile(files: FileApi, path: string): Promise<FoundFile | undefined> {
  const handle = await files.open(path, readFlags).catch((error: unknown) => {
    // ELOOP, EMLINK (BSD): a symbolic link. ENXIO: a socket.
    if (hasErrno(error, "ENOENT", "ELOOP", "EMLINK", "ENXIO")) return undefined
    throw error
  })
  if (handle === undefined) return undefined
  try {
    const info = await handle.stat({ bigint: true })
    if (info.isDirectory()) throw damaged(path, "a directory")
    if (!info.isFile() || info.size > maxBytes) return undefined
    const bytes = new Uint8Array(Number(info.size))
    let filled = 0
    while (filled < bytes.byteLength) {
      const { bytesRead } = await handle.read(bytes, filled, bytes.byteLength - filled, filled)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    return { version: versionOf(info), bytes: bytes.subarray(0, filled) }
  } finally {
    await handle.close().catch(() => undefined)
  }
}
