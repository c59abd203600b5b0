import { randomBytes } from "node:crypto"
import { open, readdir } from "node:fs/promises"
import { join } from "node:path"
import { type CheckpointStore, createManifest, manifestToJson, type ObjectBackend } from "@ckpt/core"
import { putBody } from "@ckpt/core/adapter"

/** A job as operators know them: two sources, four operators that grow, a sink, a pause, a savepoint. */
export interface JobOptions {
  readonly checkpoints: number
  /** When the first is taken: milliseconds since 1970. */
  readonly startMs: number
  readonly everyMs?: number
  /** After this checkpoint nothing was saved for twelve intervals. */
  readonly pauseAfter?: number
  /** Bytes of the largest operator at the end. */
  readonly mostBytes?: number
}

/** Writes the checkpoints of a job, under the ids from 1. */
export async function writeJob(store: CheckpointStore, options: JobOptions): Promise<void> {
  const { checkpoints, startMs, everyMs = 30_000, pauseAfter = 0, mostBytes = 400_000 } = options
  const pool = randomBytes(mostBytes)
  for (let id = 1; id <= checkpoints; id++) {
    const paused = pauseAfter > 0 && id > pauseAfter ? 12 * everyMs : 0
    const timestampMs = startMs + (id - 1) * everyMs + paused + ((id * 7919) % 1_700)
    const grown = id / checkpoints
    // A join's table grows, a window breathes, the rest is small.
    const bytes = (share: number) => pool.subarray(0, Math.max(1, Math.round(mostBytes * share)))
    await store.save(
      createManifest({
        ...{ checkpointId: id, epoch: id, timestampMs, watermark: BigInt(timestampMs - 4_000 - ((id * 613) % 2_500)) },
        sourceOffsets: {
          orders: { epoch: id, offsets: { "0": id * 12_000 + ((id * 37) % 400), "1": id * 11_500 } },
          payments: { epoch: id, offsets: { "0": id * 4_200 } },
        },
        sourceNames: ["orders", "payments"],
        sinkNames: ["invoices"],
        sinkEpochs: { invoices: id },
        sinkCommitStatuses: { invoices: { status: id === checkpoints ? "pending" : "committed" } },
        ...(id % 20 === 0 ? { labels: { release: `4.${id / 20}`, reason: "before the upgrade" } } : {}),
      }),
      {
        operators: {
          "join-orders-payments": bytes(0.35 + 0.65 * grown),
          "window-5m": bytes(0.25 + 0.12 * Math.sin(id / 6)),
          "dedup-customers": bytes(0.12 + 0.1 * grown),
          "top-products": bytes(0.05),
        },
      },
    )
  }
}

/** As many checkpoints, each with a manifest alone, as another program would put them there: at once. */
export async function writeMany(backend: ObjectBackend, count: number, startMs: number): Promise<void> {
  for (let id = 1; id <= count; id++) {
    const manifest = createManifest({ checkpointId: id, epoch: id, timestampMs: startMs + id * 1_000 })
    await putBody(backend, `manifests/manifest-${String(id).padStart(6, "0")}.json`, [
      Buffer.from(manifestToJson(manifest)),
    ])
  }
}

/** Changes one byte of a checkpoint's file, as a bad disk would; the layout of `@ckpt/fs`. */
export async function damage(folder: string, id: number, file: "state.bin" | "manifest.json"): Promise<void> {
  const checkpoints = join(folder, "checkpoints")
  const name = (await readdir(checkpoints)).find((one) => Number(/^checkpoint_(\d+)$/.exec(one)?.[1]) === id)
  if (name === undefined) throw new Error(`checkpoint ${id} is not in ${folder}`)
  const handle = await open(join(checkpoints, name, file), "r+")
  try {
    const byte = Buffer.alloc(1)
    await handle.read(byte, 0, 1, 60)
    byte.writeUInt8(byte.readUInt8(0) ^ 4)
    await handle.write(byte, 0, 1, 60)
  } finally {
    await handle.close()
  }
}

/** Names that a job may choose, and a page must survive. */
export const hostileNames: readonly string[] = [
  "<script>window.pwned=1</script>",
  '"><img src=x onerror=window.pwned=1>',
  "' onclick='window.pwned=1",
  "</title></script><svg onload=window.pwned=1>",
  "javascript:window.pwned=1",
  "{{window.pwned=1}}<%=window.pwned=1%>",
  "🦀🧑‍🚀🇪🇺",
  "\u202egnp.exe\u2066",
  "שלום עולם",
  "a\u0000b\u0007\u001b[31mc\r\nd",
  "__proto__",
  "constructor",
  " ",
  "x".repeat(10_000),
  "長".repeat(3_000),
]
