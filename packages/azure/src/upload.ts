import { randomUUID } from "node:crypto"
import type { BlockBlobClient } from "@azure/storage-blob"
import { BackendError, type ObjectMeta, type PutOptions, type UploadInParts, type UploadPart } from "@ckpt/core"
import { md5Of, type TransactionalChecksums, UploadMd5 } from "./checksum.js"
import { codeOf, type Operation, type Place } from "./errors.js"
import { conditionsOf, metaOf } from "./meta.js"
import { request } from "./requests.js"

const MiB = 1024 * 1024

/** The most blocks that a blob may have. */
const maxBlocks = 50_000

/** Blocks of 4 MiB, twice as long after every 10,000: the 50,000 blocks that a blob may have hold 1.18 TiB. */
export function partBytes(index: number): number {
  return 4 * MiB * 2 ** Math.floor(index / 10_000)
}

/** The blob to write, and the condition under which it may be written. */
export interface UploadTarget {
  readonly client: BlockBlobClient
  readonly place: Place
  readonly key: string
  readonly when: PutOptions["when"]
  readonly checksums: TransactionalChecksums
  /** The meta of the blob that is at the key now. */
  head(signal: AbortSignal | undefined): Promise<ObjectMeta | undefined>
}

interface StagedUpload extends UploadTarget {
  readonly prefix: string
  /** `undefined`: blocks are sent without. */
  readonly md5: UploadMd5 | undefined
}

/** See `ObjectBackend.parts`: Put Block, and at the end Put Block List. */
export function uploadInParts(
  target: (key: string, when: PutOptions["when"]) => UploadTarget,
): UploadInParts<StagedUpload, string | undefined> {
  return {
    partBytes,
    concurrency: 4,
    async begin(key, { when, signal }) {
      signal?.throwIfAborted()
      return beginUpload(target(key, when))
    },
    part: (upload, part, { signal }) => putBlock(upload, part, signal),
    complete: (upload, ids, { size, signal }) => putBlockList(upload, ids, size, signal),
    // No request drops uncommitted blocks alone. The service does, a week after the last of them.
    abandon: async () => {},
  }
}

/** See `ObjectBackend.put`: Put Blob. */
export async function putBlob(
  target: UploadTarget,
  bytes: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<ObjectMeta> {
  const { client, place, key, when, head } = target
  const md5 = md5Of(bytes)
  const checks = { transactionalContentMD5: md5, blobHTTPHeaders: { blobContentMD5: md5 } }
  try {
    return await request(place, writeOf("Put Blob", key), signal, async (abort) => {
      const options = { conditions: conditionsOf(key, when), ...checks, ...abort }
      return metaOf(key, bytes.length, await client.upload(bufferOf(bytes), bytes.length, options))
    })
  } catch (error) {
    const refused = error instanceof BackendError && error.kind === "precondition"
    if (!refused || when !== "absent" || (await head(signal)) !== undefined) throw error
    // Azurite takes the uncommitted blocks of a broken upload for a blob, and refuses Put Blob. It accepts a list of
    // blocks.
    const upload = beginUpload(target)
    const id = await putBlock(upload, { index: 0, offset: 0, bytes, last: true }, signal)
    return putBlockList(upload, [id], bytes.length, signal)
  }
}

/**
 * Makes no request. The ids begin with a new UUID: uncommitted blocks belong to the blob's name, and two writers must
 * not use the same ids.
 */
function beginUpload(target: UploadTarget): StagedUpload {
  return { ...target, prefix: randomUUID(), md5: target.checksums === "md5" ? new UploadMd5() : undefined }
}

async function putBlock(
  { client, place, key, when, prefix, md5 }: StagedUpload,
  { index, bytes, last }: UploadPart,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  // The service would accept this block, and refuse the list of blocks at the end.
  if (index >= maxBlocks) {
    throw new BackendError("permanent", `${key} needs more than the 50,000 blocks (1.18 TiB) that a blob may have`)
  }
  const transactionalContentMD5 = md5?.part(index, bytes, last)
  // The service takes no empty block. An empty blob is an empty list of blocks.
  if (bytes.length === 0) return undefined
  const id = blockId(prefix, index)
  await request(place, writeOf("Put Block", key), signal, async (abort) => {
    try {
      await client.stageBlock(id, bufferOf(bytes), bytes.length, {
        ...(transactionalContentMD5 && { transactionalContentMD5 }),
        ...abort,
      })
    } catch (error) {
      throw stagingError(error, key, when)
    }
  })
  return id
}

async function putBlockList(
  { client, place, key, when, head, md5 }: StagedUpload,
  ids: readonly (string | undefined)[],
  size: number,
  signal: AbortSignal | undefined,
): Promise<ObjectMeta> {
  const blocks = ids.filter((id) => id !== undefined)
  const blobContentMD5 = md5?.whole
  const blobHTTPHeaders = { ...(blobContentMD5 && { blobContentMD5 }) }
  return request(place, writeOf("Put Block List", key), signal, async (abort) => {
    try {
      const options = { conditions: conditionsOf(key, when), blobHTTPHeaders, ...abort }
      return metaOf(key, size, await client.commitBlockList(blocks, options))
    } catch (error) {
      if (!/^Invalid(BlockList|BlobOrBlock|BlockId)$/.test(codeOf(error))) throw error
      // Our blocks are gone: another writer's commit dropped them, or an earlier try of this commit used them.
      throw lostBlocks(error, key, when, await head(signal))
    }
  })
}

function writeOf(name: string, key: string): Operation {
  return { name, needs: "write", key }
}

/**
 * The id of a block, as long as those of Microsoft's SDKs: all blocks of a blob must have ids of one length, whoever
 * staged them.
 */
function blockId(prefix: string, index: number): string {
  return Buffer.from(`${prefix}${String(index).padStart(12, "0")}`).toString("base64")
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function stagingError(error: unknown, key: string, when: PutOptions["when"]): unknown {
  const code = codeOf(error)
  if (code === "InvalidBlobType" && when === "absent") {
    return new BackendError("precondition", `${key} exists, and is no block blob`, { cause: error })
  }
  if (!/^Invalid(BlobOrBlock|BlockId)$/.test(code)) return error
  const message = `${key} has uncommitted blocks of another program, whose ids have another length: commit or delete them`
  return new BackendError("permanent", message, { cause: error })
}

function lostBlocks(
  cause: unknown,
  key: string,
  when: PutOptions["when"],
  found: ObjectMeta | undefined,
): BackendError {
  const message = `the blocks of the upload of ${key} are gone`
  const taken = when === "absent" ? found !== undefined : when !== undefined && found?.version !== when.version
  if (taken) return new BackendError("precondition", `${message}: another write was first`, { cause })
  return new BackendError("transient", message, { cause })
}
