// One coordinator: a process of its own that counts, and takes a checkpoint of its count when it is told to.
import { CheckpointError, createManifest, type LeaderStore } from "@ckpt/fs"
import { openStore, type Place } from "./place.js"
import type { Answer, Order } from "./protocol.js"

const [name = "", place = ""] = process.argv.slice(2)
const store = await openStore(JSON.parse(place) as Place)
let leader: LeaderStore | undefined
let nextId = 1
let count = 0

/** Claims first, then recovers on the store that the claim gave: no other writer can save in between. */
async function lead(): Promise<Answer> {
  leader = await store.claim()
  const found = await leader.recover()
  if (found.outcome === "exhausted") throw new Error(`nothing to go on from: ${found.reason}`)
  if (found.checkpoint !== undefined) {
    const state = await found.checkpoint.operator("count")
    count = JSON.parse(new TextDecoder().decode(state)).count
  }
  nextId = found.nextId
  return { outcome: "leads", recovered: found.checkpoint?.id, count }
}

async function save(): Promise<Answer> {
  if (leader === undefined) throw new Error("lead comes before save")
  const state = new TextEncoder().encode(JSON.stringify({ count: count + 1, by: name }))
  const manifest = createManifest({ checkpointId: nextId, epoch: nextId })
  await leader.save(manifest, { operators: { count: state } })
  count++
  return { outcome: "saved", id: nextId++, count }
}

process.on("message", (order: Order) => void obey(order))

async function obey(order: Order): Promise<void> {
  if (order.do === "stop") {
    await leader?.close()
    await store.close()
    process.disconnect()
    return
  }
  const answer = await (order.do === "lead" ? lead() : save()).catch((error: unknown): Answer => {
    if (!(error instanceof CheckpointError)) throw error
    return { outcome: "refused", code: error.code, message: error.message }
  })
  process.send?.(answer)
}
