// Values that are too large for their checkpoint's object lie in pieces, which the checkpoints of a thread share.
import { mapConcurrently } from "@ckpt/core/adapter"
import type { Context } from "./context.js"
import { cut } from "./cut.js"
import { isDamage } from "./damaged.js"
import type { StoredCheckpoint, StoredValue } from "./format.js"
import { baseOf, checkpointKey, pieceKey, sha256 } from "./keys.js"
import { today } from "./time.js"

/** The keys of the pieces that a checkpoint names: none of them may go while the checkpoint is there. */
export function keysOf({ threadId, day, values }: StoredCheckpoint): string[] {
  return values.flatMap(({ pieces }) => pieces.map((hash) => pieceKey(threadId, day, hash)))
}

/** A value, and the bytes of its pieces by their hashes. */
export interface CutValue {
  readonly value: StoredValue
  readonly pieces: ReadonlyMap<string, Uint8Array>
}

/** A value that fits lies in its checkpoint's object as a whole, and of any other value the last piece, if that fits. */
export function cutValue({ inlineBytes }: Context, channel: string, type: string, bytes: Uint8Array): CutValue {
  const cuts = bytes.length <= inlineBytes ? [bytes] : cut(bytes)
  const last = cuts.at(-1) as Uint8Array
  const rest = last.length <= inlineBytes ? last : last.subarray(last.length)
  if (rest === last) cuts.pop()
  const hashed = cuts.map((piece) => [sha256(piece), piece] as const)
  return { value: { channel, type, pieces: hashed.map(([hash]) => hash), rest }, pieces: new Map(hashed) }
}

/**
 * Stores the pieces of a checkpoint that is about to be stored. If that takes days, again: a checkpoint must not name pieces of days that
 * are long over.
 *
 * @param bytesOf called for those pieces alone that may not be there
 * @returns the day that they lie under
 */
export async function storePieces(
  context: Context,
  threadId: string,
  hashes: Iterable<string>,
  bytesOf: (hash: string) => Uint8Array | Promise<Uint8Array>,
): Promise<number> {
  const { known } = context
  const distinct = [...new Set(hashes)]
  for (;;) {
    const day = today(context)
    const areNamed = named(context)
    const isKnown = (hash: string) => known.namerOf(pieceKey(threadId, day, hash)) !== undefined
    // Those that must be stored come first: they do not wait for the request that asks for the others.
    const inOrder = [...distinct.filter((hash) => !isKnown(hash)), ...distinct.filter(isKnown)]
    await mapConcurrently(inOrder, async (hash) => {
      const key = pieceKey(threadId, day, hash)
      if (await areNamed(key)) return
      known.delete(key)
      await storePiece(context, key, await bytesOf(hash))
    })
    if (today(context) <= day + 1) return day
  }
}

/** Whether a checkpoint that names a piece is still there. Each checkpoint is looked for once. */
function named({ objects, known }: Context): (key: string) => Promise<boolean> {
  const versions = new Map<string, Promise<string | undefined>>()
  return async (key) => {
    const namer = known.namerOf(key)
    if (namer === undefined) return false
    const asked = versions.get(namer.key) ?? objects.head(namer.key).then((found) => found?.version)
    versions.set(namer.key, asked)
    // Of another version is another checkpoint with the same id: of a thread that was deleted, and copied anew.
    return (await asked) === namer.version
  }
}

/** Stores a piece that others may have stored already. Damaged bytes are replaced. */
async function storePiece({ objects }: Context, key: string, bytes: Uint8Array): Promise<void> {
  try {
    await objects.create(key, bytes)
  } catch (error) {
    if (!isDamage(error)) throw error
    const damaged = await objects.head(key)
    if (damaged === undefined) await objects.create(key, bytes)
    else await objects.replace(key, bytes, { version: damaged.version })
  }
}

/** A piece, verified; `undefined` if it is gone. What is damaged or gone will be stored anew, not taken for known. */
export async function readPiece({ objects, known }: Context, key: string): Promise<Uint8Array | undefined> {
  let bytes: Uint8Array | undefined
  try {
    bytes = (await objects.read(key))?.bytes
    return bytes
  } finally {
    if (bytes === undefined) known.delete(key)
  }
}

/**
 * The bytes of a checkpoint's values; `undefined` if a piece is gone.
 *
 * @param atHand pieces that were read for another checkpoint, by their keys. Afterwards it has the pieces of this one
 */
export async function readValues(
  context: Context,
  stored: StoredCheckpoint,
  atHand: Map<string, Uint8Array>,
): Promise<Uint8Array[] | undefined> {
  const keys = new Set(keysOf(stored))
  for (const key of atHand.keys()) if (!keys.has(key)) atHand.delete(key)
  const missing = [...keys].filter((key) => !atHand.has(key))
  await mapConcurrently(missing, async (key) => {
    const bytes = await readPiece(context, key)
    if (bytes !== undefined) atHand.set(key, bytes)
  })
  if (atHand.size < keys.size) return undefined
  const { threadId, day, values } = stored
  const bytesOf = (hash: string) => atHand.get(pieceKey(threadId, day, hash)) as Uint8Array
  return values.map(({ pieces, rest }) => joined([...pieces.map(bytesOf), rest]))
}

/** Plain bytes, as a serializer gave them: a value may be bytes itself. */
function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((size, part) => size + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** A checkpoint is there, with its pieces: until it goes, they need not be stored again. */
export function remember({ known }: Context, stored: StoredCheckpoint, version: string): void {
  const { checkpointId } = stored
  known.add(keysOf(stored), { key: checkpointKey(baseOf(stored, checkpointId)), version, checkpointId })
}
