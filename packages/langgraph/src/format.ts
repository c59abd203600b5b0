// The bytes of an object: a length (u32, big-endian), a head of so many bytes in JSON, and behind it the parts that the head names.
import { CheckpointError } from "@ckpt/core"

/** A value as a serializer gives it. */
export type Typed = readonly [type: string, bytes: Uint8Array]

/** A channel's value: here, or under the key that `hash` and `day` name. */
export type StoredValue = { readonly channel: string; readonly type: string } & (
  | { readonly bytes: Uint8Array }
  | { readonly hash: string; readonly day: number }
)

export interface StoredCheckpoint {
  readonly threadId: string
  readonly checkpointNs: string
  readonly checkpointId: string
  readonly parentId: string | undefined
  /** Without its channel values. */
  readonly checkpoint: Typed
  readonly metadata: Typed
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

type Part = readonly [type: string, size: number]

export function encodeCheckpoint(stored: StoredCheckpoint): Uint8Array {
  const { checkpoint, metadata, values, parentId, ...place } = stored
  const head = {
    format,
    ...place,
    parentId: parentId ?? null,
    checkpoint: part(checkpoint),
    metadata: part(metadata),
    values: values.map((value) =>
      "bytes" in value
        ? { channel: value.channel, part: part([value.type, value.bytes]) }
        : { channel: value.channel, type: value.type, day: value.day, hash: value.hash },
    ),
  }
  return join(head, [checkpoint[1], metadata[1], ...values.flatMap((value) => ("bytes" in value ? [value.bytes] : []))])
}

export function decodeCheckpoint(key: string, bytes: Uint8Array): StoredCheckpoint {
  return decode(key, bytes, (head, next) => {
    const { threadId, checkpointNs, checkpointId, parentId } = head as unknown as StoredCheckpoint
    const checkpoint = next(head["checkpoint"])
    const metadata = next(head["metadata"])
    const listed = head["values"] as { channel: string; type: string; day: number; hash: string; part?: Part }[]
    const values = listed.map(({ channel, type, day, hash, part }): StoredValue => {
      if (part === undefined) return { channel, type, day, hash }
      const [inlineType, inline] = next(part)
      return { channel, type: inlineType, bytes: inline }
    })
    return { threadId, checkpointNs, checkpointId, parentId: parentId ?? undefined, checkpoint, metadata, values }
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
