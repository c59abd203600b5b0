import { constants } from "node:fs"
import { hasErrno } from "./errors.js"
import type { FileApi, OpenFile } from "./file-api.js"
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
 * Reads a pointer or a claim; `undefined` if there is no such file. A symbolic link, a pipe, an oversized file or a file whose bytes
 * are rotten (EIO of the read) says nothing, so it counts as no file. A directory is `damaged`.
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
    const bytes = await readAll(handle, Number(info.size)).catch((error: unknown) => {
      if (hasErrno(error, "EIO")) return undefined
      throw error
    })
    return bytes && { version: versionOf(info), bytes }
  } finally {
    await handle.close().catch(() => undefined)
  }
}

async function readAll(handle: OpenFile, size: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(size)
  let filled = 0
  while (filled < size) {
    const { bytesRead } = await handle.read(bytes, filled, size - filled, filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return bytes.subarray(0, filled)
}
