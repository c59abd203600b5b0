// The bytes of an object: a length (u32, big-endian), a head of so many bytes in JSON, and behind it the parts that the head names.
import { CheckpointError } from "@ckpt/core"

/** A value as a serializer gives it. */
export type Typed = readonly [type: string, bytes: Uint8Array]

/** A value for a serializer. Bytes come back from it as they are, and are the graph's, which may change them. */
export function asItIs(value: unknown): unknown {
  return value instanceof Uint8Array ? new Uint8Array(value) : value
}

/** A channel's value. */
export interface StoredValue {
  readonly channel: string
  readonly type: string
  /** The hashes of its pieces, SHA-256 in hexadecimal. A value that fits here has none. */
  readonly pieces: readonly string[]
  /** Its bytes behind the pieces. */
  readonly rest: Uint8Array
}

export interface StoredCheckpoint {
  readonly threadId: string
  readonly checkpointNs: string
  readonly checkpointId: string
  readonly parentId: string | undefined
  /** Without its channel values. */
  readonly checkpoint: Typed
  readonly metadata: Typed
  /** The day under which its pieces lie. */
  readonly day: number
  readonly values: readonly StoredValue[]
}

export interface StoredWrite {
  /** The place in its task, or the number of a special write, below 0. */
  readonly index: number
  readonly channel: string
  readonly value: Typed
}

export interface StoredWrites {
  readonly threadId: string
  readonly checkpointNs: string
  readonly checkpointId: string
  readonly taskId: string
  readonly taskPath: string
  readonly writes: readonly StoredWrite[]
}

const format = 1
const hashBytes = 32

type Part = readonly [type: string, size: number]

export function encodeCheckpoint(stored: StoredCheckpoint): Uint8Array {
  const { checkpoint, metadata, values, parentId, ...place } = stored
  const head = {
    format,
    ...place,
    parentId: parentId ?? null,
    checkpoint: part(checkpoint),
    metadata: part(metadata),
    values: values.map(({ channel, type, pieces, rest }) => ({
      channel,
      pieces: pieces.length,
      part: [type, pieces.length * hashBytes + rest.length] satisfies Part,
    })),
  }
  const parts = values.flatMap(({ pieces, rest }) => [...pieces.map((hash) => Buffer.from(hash, "hex")), rest])
  return join(head, [checkpoint[1], metadata[1], ...parts])
}

export function decodeCheckpoint(key: string, bytes: Uint8Array): StoredCheckpoint {
  return decode(key, bytes, (head, next) => {
    const { threadId, checkpointNs, checkpointId, parentId, day } = head as unknown as StoredCheckpoint
    const checkpoint = next(head["checkpoint"])
    const metadata = next(head["metadata"])
    const listed = head["values"] as { channel: string; pieces: number; part: Part }[]
    const values = listed.map(({ channel, pieces: count, part }): StoredValue => {
      const [type, bytes] = next(part)
      const hashes = Buffer.from(bytes.buffer, bytes.byteOffset, count * hashBytes).toString("hex")
      const pieces = Array.from({ length: count }, (_, at) =>
        hashes.slice(2 * at * hashBytes, 2 * (at + 1) * hashBytes),
      )
      return { channel, type, pieces, rest: bytes.subarray(count * hashBytes) }
    })
    return { threadId, checkpointNs, checkpointId, parentId: parentId ?? undefined, checkpoint, metadata, day, values }
  })
}

export function encodeWrites({ writes, ...place }: StoredWrites): Uint8Array {
  const head = {
    format,
    ...place,
    writes: writes.map(({ index, channel, value }) => ({ index, channel, part: part(value) })),
  }
  return join(
    head,
    writes.map(({ value }) => value[1]),
  )
}

export function decodeWrites(key: string, bytes: Uint8Array): StoredWrites {
  return decode(key, bytes, (head, next) => {
    const { threadId, checkpointNs, checkpointId, taskId, taskPath } = head as unknown as StoredWrites
    const listed = head["writes"] as { index: number; channel: string; part: Part }[]
    const writes = listed.map(({ index, channel, part }) => ({ index, channel, value: next(part) }))
    return { threadId, checkpointNs, checkpointId, taskId, taskPath, writes }
  })
}

function part([type, bytes]: Typed): Part {
  return [type, bytes.length]
}

function join(head: object, parts: readonly Uint8Array[]): Uint8Array {
  const text = Buffer.from(JSON.stringify(head))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(text.length)
  return Buffer.concat([length, text, ...parts])
}

/** Its checksum was verified before: what is no object of this format was written by somebody else, or by a later version. */
function decode<T>(
  key: string,
  bytes: Uint8Array,
  read: (head: Record<string, unknown>, next: (part: unknown) => Typed) => T,
): T {
  try {
    const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    let at = 4 + all.readUInt32BE(0)
    const head = JSON.parse(all.toString("utf8", 4, at))
    if (head.format === format) {
      return read(head, (listed) => {
        const [type, size] = listed as Part
        if (at + size > all.length) throw new RangeError("a part is longer than the object")
        at += size
        // A copy: the values are the caller's, and shall not keep the whole object in memory.
        return [type, new Uint8Array(all.subarray(at - size, at))]
      })
    }
    if (!(head.format > format)) throw new TypeError(`its format is ${head.format}`)
  } catch (cause) {
    throw new CheckpointError("CKPT_CORRUPT", `${key} is no object of this saver.`, { key, cause })
  }
  throw new CheckpointError("CKPT_UNSUPPORTED", `${key} was written by a later version of @ckpt/langgraph.`, { key })
}
