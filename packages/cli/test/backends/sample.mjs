// A store that is the same in every process and at every hour: its clock stands still, and its names are those of hostile users.
import { json, MemoryBackend, openMemoryStore } from "@ckpt/memory"

const start = Date.UTC(2026, 2, 1, 3, 0, 0)
const hostileNames = {
  "\x1b[2J\x1b[31mred": json(1),
  "שלום\u202egpj.exe": json(2),
  "👩‍👩‍👧 família 🫠": json("family"),
  [`${"long-".repeat(2000)}`]: json("ten kilobytes"),
}

export default async () => {
  let now = start
  const backend = new MemoryBackend({ now: () => now })
  const store = await openMemoryStore({ backend })
  const save = async (id, labels, operators, more = {}) => {
    now = start + id * 10 * 60_000
    const offsets = { 0: 1000 * id, 1: 900 * id }
    await store.saveNext(
      {
        ...{ timestampMs: now, watermark: BigInt(now - 2500), labels },
        sourceOffsets: { orders: { epoch: id, offsets } },
        sinkCommitStatuses: { warehouse: { status: "committed" } },
        ...more,
      },
      { operators },
    )
  }
  await save(1, { release: "4.1" }, { counts: json({ seen: 1 }), window: json("w".repeat(100_000)) })
  await save(2, { release: "4.1" }, { counts: json({ seen: 2 }), window: json("w".repeat(150_000)) })
  await save(3, { "evil\x1b]0;title\x07": "\x9b31m" }, hostileNames)
  await save(
    4,
    { release: "4.2" },
    { counts: json({ seen: 4 }), window: json("w".repeat(1_500_000)) },
    {
      sinkCommitStatuses: { warehouse: { status: "failed", message: "no \x1b[5mroom" } },
    },
  )
  await save(5, { release: "4.2" }, { counts: json({ seen: 5 }), window: json("w".repeat(1_600_000)) })
  await store.pin(2, "before-4.2")
  await store.close()
  // One byte of the latest state, as a disk may change it.
  const key = "checkpoints/state-000005.bin"
  const chunks = []
  for await (const chunk of (await backend.get(key)).body) chunks.push(chunk)
  const bytes = Buffer.concat(chunks)
  bytes[1000] ^= 1
  await backend.put(key, [bytes])
  now = start + 2 * 60 * 60_000
  return backend
}
