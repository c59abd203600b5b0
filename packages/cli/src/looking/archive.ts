import { createWriteStream } from "node:fs"
import { mkdir } from "node:fs/promises"
import { dirname, join } from "node:path"
import { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"
import { type Checkpoint, CheckpointError, type CheckpointManifest, manifestToJson } from "@ckpt/core"
import { createTarDecoder, createTarPacker, type ParsedTarEntry } from "modern-tar"
import { messageOf } from "../output/text.js"

/**
 * A checkpoint as a tar. Its files have the names of the directory layout, so `tar -xf FILE -C ./data` makes a store that `file:./data`
 * opens. The bytes of the state are verified while they are read: if they do not match, the stream fails before its end.
 */
export async function* archiveOf(checkpoint: Checkpoint, signal: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
  const { readable, controller } = createTarPacker()
  const packing = pack(checkpoint, controller, signal)
  // The stream fails with the same error.
  packing.catch((error: unknown) => controller.error(error))
  for await (const chunk of readable as AsyncIterable<Uint8Array>) yield chunk
}

type Packer = ReturnType<typeof createTarPacker>["controller"]

async function pack(checkpoint: Checkpoint, packer: Packer, signal: AbortSignal): Promise<void> {
  const folder = `checkpoints/checkpoint_${String(checkpoint.id).padStart(6, "0")}`
  const mtime = dateOf(checkpoint.manifest)
  const manifest = Buffer.from(manifestToJson(withoutClaim(checkpoint.manifest)))
  await entry(packer, { name: `${folder}/manifest.json`, size: manifest.length, mtime }, [manifest], signal)
  const state = await checkpoint.state()
  if (state !== undefined) await entry(packer, { name: `${folder}/state.bin`, size: state.size, mtime }, state, signal)
  packer.finalize()
}

async function entry(
  packer: Packer,
  header: { name: string; size: number; mtime: Date },
  bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  const writer = packer.add({ ...header, type: "file", mode: 0o644 }).getWriter()
  for await (const chunk of bytes) {
    signal.throwIfAborted()
    await writer.write(chunk)
  }
  await writer.close()
}

/** The marks of a claim mean nothing without the history of their store; `copyCheckpoint` leaves them out likewise. */
function withoutClaim(manifest: CheckpointManifest): CheckpointManifest {
  if (manifest.writer === undefined && manifest.seen === undefined) return manifest
  const { writer: _w, seen: _s, updateToken: _u, ...rest } = manifest
  return rest
}

function dateOf({ timestampMs }: CheckpointManifest): Date {
  // A tar holds whole seconds from 1970 on, up to 33 bits.
  return new Date(Math.min(timestampMs, 8_000_000_000_000))
}

/** How the usual compressed files begin, and the command that unpacks them. */
const unpackers = [
  { magic: [0x1f, 0x8b], command: "gunzip -c" },
  { magic: [0x28, 0xb5, 0x2f, 0xfd], command: "zstd -dc" },
  { magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a], command: "xz -dc" },
  { magic: [0x42, 0x5a, 0x68], command: "bzip2 -dc" },
] as const

const ours = /^(?:\.\/)?(checkpoints\/checkpoint_\d+\/(?:manifest\.json|state\.bin))$/

/**
 * Unpacks the checkpoints of a tar into a folder, which `openFsStore` then opens. Nothing else of the tar is written anywhere.
 *
 * @returns the names that were passed over, 20 at most
 * @throws {CheckpointError} `CKPT_CORRUPT` for what is no tar, or a tar that ends too early; `CKPT_NOT_FOUND` if it has no checkpoint
 */
export async function unpackInto(tar: Readable, folder: string, signal: AbortSignal): Promise<string[]> {
  const passedOver: string[] = []
  let found = 0
  // The types of Node's streams and of the web's differ in what no program sees.
  const decoder = createTarDecoder({ strict: true }) as unknown as TransformStream<Uint8Array, ParsedTarEntry>
  let start: Uint8Array | undefined
  const bytes = Readable.from(
    (async function* () {
      for await (const chunk of tar as AsyncIterable<Uint8Array>) {
        start ??= chunk
        yield chunk
      }
    })(),
  )
  const entries = (Readable.toWeb(bytes) as ReadableStream<Uint8Array>).pipeThrough(decoder, { signal })
  try {
    for await (const { header, body } of entries as unknown as AsyncIterable<ParsedTarEntry>) {
      const [, name] = ours.exec(header.name) ?? []
      if (name === undefined || header.type !== "file") {
        if (passedOver.length < 20 && header.type !== "directory") passedOver.push(header.name)
        await body.cancel()
        continue
      }
      found++
      const path = join(folder, name)
      await mkdir(dirname(path), { recursive: true })
      await pipeline(body as unknown as AsyncIterable<Uint8Array>, createWriteStream(path, { flags: "wx" }), { signal })
    }
  } catch (error) {
    signal.throwIfAborted()
    // Whatever the operating system says has a code.
    if (typeof (error as { code?: unknown }).code === "string") throw error
    const packed = start && unpackers.find(({ magic }) => magic.every((byte, at) => start?.[at] === byte))
    const what =
      packed === undefined ? messageOf(error) : `it is compressed: ${packed.command} FILE | ckpt import - STORE`
    throw new CheckpointError("CKPT_CORRUPT", `the tar cannot be read: ${what}`, { cause: error })
  }
  if (found > 0) return passedOver
  throw new CheckpointError("CKPT_NOT_FOUND", "the tar has no checkpoint; ckpt export makes one that has.")
}
