/**
 * The spare: one file in the root that keeps room, so that a small object can be replaced where no byte or no inode is left.
 * Retention replaces an object before it removes anything, so without this room nothing could make room.
 *
 * - It is made beside a first replacement, and costs later ones no call.
 * - Who needs it renames it to a temporary name of its own. Only one can, and the name is swept and collected like any other.
 * - Its bytes are overwritten in place, which takes no room, and synced. Then it is moved over the object like a new file. So a
 *   power cut leaves the old object or the new one.
 */

import { constants } from "node:fs"
import { hasErrno, isFull } from "./errors.js"
import type { FileApi, OpenFile } from "./file-api.js"
import { identityOf, lookUp } from "./file-info.js"
import { NewFile } from "./new-file.js"
import { at, newTemporaryName, spareName } from "./paths.js"
import { readFlags } from "./read-small-file.js"
import type { RootState } from "./registry.js"
import { rootState } from "./root-lock.js"
import { syncDirectory } from "./sync-directory.js"
import { writeAll } from "./write-behind.js"

/** The beginning of a spare, for whoever finds it. A file that begins otherwise is not ours, and is left alone. */
const text = Buffer.from(
  "This file keeps room for @ckpt/fs, so that checkpoints can be removed when the disk is full. It has no content of its own.\n",
)

const leastBytes = 16_384

/** The replacement of a larger object needs room. */
const largestObject = 1 << 20

/** Where the spare lies, and the folder of the object. */
export interface SparePlace {
  readonly files: FileApi
  /** The real path of the root. */
  readonly real: string
  readonly folder: string
  readonly state: RootState
}

/**
 * Takes the spare as the file of an object of so many bytes; `undefined` if there is none of this size. It is already cut to this
 * length, and is to be written from its first byte.
 */
export async function takeSpare(place: SparePlace, bytes: number): Promise<NewFile | undefined> {
  const { files, real, folder, state } = place
  const path = at(real, spareName)
  const seen = await lookAt(files, path)
  state.spareBytes = undefined
  if (seen === undefined || seen === "not ours" || seen.bytes < bytes) return undefined
  const taken = at(folder, newTemporaryName("tmp"))
  try {
    await files.rename(path, taken)
  } catch (error) {
    // Another process was faster.
    if (hasErrno(error, "ENOENT")) return undefined
    throw error
  }
  const isSeen = await lookUp(files, taken)
    .then((now) => now !== undefined && identityOf(now) === seen.identity)
    .catch(() => false)
  if (!isSeen) {
    // Another file may have come since the look. It goes back as it is.
    await files.rename(taken, path)
    return undefined
  }
  let handle: OpenFile | undefined
  try {
    handle = await files.open(taken, constants.O_RDWR | (constants.O_NOFOLLOW ?? 0))
    // Before a byte is overwritten: after a power cut, the name of the spare must not lead to the object's new file.
    await syncDirectory(files, real)
    await handle.truncate(bytes)
    return NewFile.of(files, taken, handle)
  } catch (error) {
    await handle?.close().catch(() => undefined)
    await files.unlink(taken).catch(() => undefined)
    throw error
  }
}

/**
 * To be called after an object of so many bytes was replaced: sees to it that there is a spare with room for twice as many. Costs
 * nothing if this process knows that there is. Must not reject, since the object is replaced already: without a spare, the next
 * replacement on a full disk fails.
 */
export async function keepSpare(place: SparePlace, objectBytes: number): Promise<void> {
  const { files, real, state } = place
  if (objectBytes > largestObject) return
  // A power of two, so that an object that grows byte by byte does not need a new spare each time.
  const bytes = Math.max(leastBytes, 2 ** Math.ceil(Math.log2(2 * objectBytes)))
  if ((state.spareBytes ?? 0) >= bytes) return
  try {
    const seen = await lookAt(files, at(real, spareName))
    if (seen === "not ours") state.spareBytes = Number.POSITIVE_INFINITY
    else if (seen !== undefined && seen.bytes >= bytes) state.spareBytes = seen.bytes
    else {
      await make(place, bytes).catch(async (error: unknown) => {
        if (!isFull(error)) throw error
        // The blocks of the replaced object, and those cut off the spare, are enough, and nothing more may be free. ext4 gives them
        // back once its journal has committed, and a moment later: it may say that there is no room although there is.
        await syncDirectory(files, real)
        await make(place, bytes)
      })
      state.spareBytes = bytes
    }
  } catch (error) {
    // What passes is tried again with the next replacement. All else would cost each of them some calls.
    const passes = isFull(error) || hasErrno(error, "ENOENT", "EMFILE", "ENFILE")
    state.spareBytes = passes ? 0 : Number.POSITIVE_INFINITY
  }
}

/**
 * To be called after something was removed: the room may be enough for the spare again that a creation on a full disk has used up.
 * Otherwise the next removal would find none. Costs nothing unless this process found no room for it.
 */
export async function refillSpare(place: Omit<SparePlace, "state">): Promise<void> {
  const state = rootState(place.real)
  if (state.spareBytes === 0) await keepSpare({ ...place, state }, 0)
}

/** Written aside and moved: under its own name it may be taken at any time, and must not be written any more then. */
async function make({ files, real, folder }: SparePlace, bytes: number): Promise<void> {
  const file = await NewFile.createTemporary(files, folder, "tmp")
  try {
    // No zeros: some filesystems keep no room for those.
    await writeAll(file.handle, [text, Buffer.alloc(bytes - text.byteLength, ".\n")])
    await file.sync()
    await file.close()
    await files.rename(file.path, at(real, spareName))
  } catch (error) {
    await file.discard()
    throw error
  }
  await syncDirectory(files, real)
}

interface Spare {
  readonly bytes: number
  readonly identity: string
}

/** `undefined`: nothing is there. A file with a second name is not ours either: it would be overwritten under both. */
async function lookAt(files: FileApi, path: string): Promise<Spare | "not ours" | undefined> {
  const there = await lookUp(files, path)
  if (there === undefined) return undefined
  if (!there.isFile()) return "not ours"
  let handle: OpenFile
  try {
    handle = await files.open(path, readFlags)
  } catch (error) {
    // Another process has taken it since.
    if (hasErrno(error, "ENOENT")) return undefined
    throw error
  }
  try {
    const info = await handle.stat({ bigint: true })
    const head = Buffer.alloc(text.byteLength)
    await handle.read(head, 0, head.byteLength, 0)
    if (!info.isFile() || info.nlink !== 1n || !head.equals(text)) return "not ours"
    return { bytes: Number(info.size), identity: identityOf(info) }
  } finally {
    await handle.close().catch(() => undefined)
  }
}
