import { json } from "@ckpt/core"
import type { OpenedStore } from "../src/stores/opened.js"
import { open, type Place } from "./storages.js"

/** The time of the first checkpoint: 2026-03-01 00:00 UTC. Each later one is a minute younger. */
const firstMs = Date.UTC(2026, 2, 1)

/** Saves so many checkpoints of a job with two operators, a sink and two partitions; 2 is pinned. */
export async function seed(place: Place, count = 5): Promise<void> {
  await using seeded = await opened(place)
  const { store } = seeded
  for (let id = 1; id <= count; id++) {
    const timestampMs = firstMs + (id - 1) * 60_000
    await store.saveNext(
      {
        timestampMs,
        epoch: 10 + id,
        watermark: BigInt(timestampMs - 1500),
        sourceNames: ["orders"],
        sinkNames: ["out"],
        sourceOffsets: { orders: { epoch: 10 + id, offsets: { "0": 1000 * id, "1": 900 * id } } },
        sinkEpochs: { out: 10 + id },
        sinkCommitStatuses: { out: { status: id < count ? "committed" : "pending" } },
        labels: { release: `4.${id}` },
      },
      // Beyond 64 KiB, so that the states lie in state.bin.
      { operators: { counts: json({ seen: id }), window: json("w".repeat(70_000 + 1000 * id)) } },
    )
  }
  if (count >= 2) await store.pin(2, "before-upgrade")
}

/** An opened place, closed at the end of the block. */
export async function opened(place: Place): Promise<OpenedStore & AsyncDisposable> {
  const found = await open(place)
  return { ...found, [Symbol.asyncDispose]: () => found.close() }
}

/** Changes one byte of a state, as a disk or a hand may. */
export async function damage(place: Place, id: number): Promise<void> {
  await using found = await opened(place)
  const key = stateKey(found, id)
  const content = await found.backend.get(key)
  const chunks: Uint8Array[] = []
  for await (const chunk of content?.body ?? []) chunks.push(chunk)
  const bytes = Buffer.concat(chunks)
  bytes[100] = (bytes[100] ?? 0) ^ 1
  await found.backend.put(key, [bytes])
}

function stateKey({ prefix, layout }: OpenedStore, id: number): string {
  const digits = String(id).padStart(6, "0")
  return `${prefix}checkpoints/${layout === "directory" ? `checkpoint_${digits}/state.bin` : `state-${digits}.bin`}`
}
