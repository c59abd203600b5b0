import { ManualClock, settled } from "@ckpt/conformance"
import { type CheckpointStore, createManifest, type SaveReceipt, type StoreEvent } from "@ckpt/core"
import { type FaultProxy, type ProxiedRequest, startFaultProxy } from "@ckpt/fault-proxy"
import { afterEach, beforeEach, expect, inject, test } from "vitest"
import { GcsBackend, openGcsStore } from "../src/index.js"
import { clients, newBucket } from "./storage.js"

/** The object that a request changes: creates, replaces or deletes; `undefined` if it changes none. */
function changed({ method, path, query }: ProxiedRequest): string | undefined {
  if (method === "DELETE") return /\/o\/(.+)$/.exec(path)?.[1]
  return query.get("uploadType") === "multipart" ? (query.get("name") ?? undefined) : undefined
}

/** The service's own words. It sends no Retry-After with them. */
function refusalOf(name: string): string {
  const message = `The object b/${name} exceeded the rate limit for object mutation operations (create, update, and delete). Please reduce your request rate.`
  const errors = [{ message, domain: "usageLimits", reason: "rateLimitExceeded" }]
  return JSON.stringify({ error: { code: 429, message, errors } })
}

let proxy: FaultProxy
let clock: ManualClock
let refused: number
let bucket: string
let store: CheckpointStore
let events: StoreEvent[]

/** A service that lets each object change once a second, by the clock of the test. */
beforeEach(async () => {
  proxy = await startFaultProxy(inject("endpoint"))
  clock = new ManualClock(async () => {
    for (let seen = -1; seen !== proxy.requests.length; ) {
      seen = proxy.requests.length
      await settled()
      await proxy.idle()
    }
  })
  refused = 0
  const changes = new Map<string, number>()
  proxy.inject({
    when: (request) => changed(request) !== undefined,
    fault(request) {
      const name = changed(request) as string
      const now = clock.monotonic()
      if (now - (changes.get(name) ?? Number.NEGATIVE_INFINITY) >= 1_000) {
        changes.set(name, now)
        return undefined
      }
      refused++
      return { kind: "status", status: 429, headers: { "content-type": "application/json" }, body: refusalOf(name) }
    },
  })
  events = []
  bucket = await newBucket()
  store = await openGcsStore({
    client: clients["@google-cloud/storage 7"](proxy.endpoint),
    bucket,
    retain: { last: 3 },
    clock,
    random: () => 0.5,
    onEvent: (event) => events.push(event),
  })
})
afterEach(async () => {
  await store.close()
  await proxy.stop()
})

/** Lets the time of the test pass until the work has ended. */
async function passing<T>(work: Promise<T>): Promise<T> {
  let ended = false
  const over = () => {
    ended = true
  }
  work.then(over, over)
  while (!ended) await clock.advance(100)
  return work
}

test.each(["plain", "leader"])(
  "a %s store that saves every 1.5 s for two minutes: nothing fails, and old checkpoints go",
  async (kind) => {
    const writer = kind === "plain" ? store : await passing(store.claim())
    let id = 0
    const job = async () => {
      // Takes some seconds: the storage is checked with one object.
      await writer.save(createManifest({ checkpointId: ++id, epoch: 1 }))
      const until = clock.monotonic() + 120_000
      await clock.sleep(1_500)
      refused = 0
      while (clock.monotonic() < until) {
        const next = clock.monotonic() + 1_500
        id++
        const receipt = await writer.save(createManifest({ checkpointId: id, epoch: 1 }), { state: new Uint8Array(10) })
        expect(receipt).toMatchObject({ id, outcome: "created", isLatest: true })
        await clock.sleep(Math.max(0, next - clock.monotonic()))
      }
      // The retention of the last save ends with the next call of its kind.
      return writer.prune({ last: 3 })
    }
    expect(await passing(job())).toMatchObject({ failures: [], kept: [id - 2, id - 1, id] })
    expect(await passing(writer.ids())).toEqual([id - 2, id - 1, id])
    expect(id).toBeGreaterThanOrEqual(80)
    // The first removal of a plain store creates the history, of which the pointer tells. A save has just moved the pointer: so
    // the next save tells of it. A leader has its history since its claim. Nothing else is refused: no object changes twice.
    const failed = events.filter(({ type }) => /failed|superseded/.test(type))
    expect(failed).toMatchObject(kind === "plain" ? [{ type: "pointer-failed", error: { kind: "transient" } }] : [])
    expect(refused).toBe(failed.length)
    const backend = new GcsBackend({ client: clients["@google-cloud/storage 7"](inject("endpoint")), bucket })
    const pointer = await backend.get("manifests/latest.json")
    const chunks: Uint8Array[] = []
    for await (const chunk of pointer?.body ?? []) chunks.push(chunk)
    expect(JSON.parse(Buffer.concat(chunks).toString())).toMatchObject({ checkpoint_id: id, history: true })
    if (writer !== store) await writer.close()
  },
  120_000,
)

test("saves without a pause: the pointer lags, and nothing else", async () => {
  const run = async () => {
    const receipts: SaveReceipt[] = []
    for (let id = 1; id <= 20; id++) {
      receipts.push(await store.save(createManifest({ checkpointId: id, epoch: 1 })))
      expect((await store.loadLatest())?.checkpointId).toBe(id)
    }
    await clock.sleep(2_000)
    await store.prune({ last: 3 })
    await clock.sleep(2_000)
    receipts.push(await store.save(createManifest({ checkpointId: 21, epoch: 1 })))
    return receipts
  }
  const receipts = await passing(run())
  expect(receipts.map(({ outcome }) => outcome)).toEqual(Array(21).fill("created"))
  const lagging = receipts.filter(({ isLatest }) => !isLatest)
  expect(lagging.length).toBeGreaterThan(15)
  // The retention of the last save may have told of the history too, and been refused.
  expect(events.filter(({ type }) => type === "pointer-failed").length).toBeGreaterThanOrEqual(lagging.length)
  expect(events.filter(({ type }) => type === "retention-failed")).toEqual([])
  expect(receipts.at(-1)).toMatchObject({ isLatest: true })
  await passing(store.prune({ last: 3 }))
  expect(await passing(store.ids())).toEqual([19, 20, 21])
})

test("changes of one object in a row wait for each other: save, update, pin, unpin, claim", async () => {
  const run = async () => {
    await store.save(createManifest({ checkpointId: 1, epoch: 1 }))
    for (let epoch = 2; epoch < 5; epoch++) await store.update(1, (current) => ({ ...current, epoch }))
    await store.pin(1, "a")
    await store.unpin("a")
    const leader = await store.claim()
    await leader.save(createManifest({ checkpointId: 2, epoch: 9 }))
    await leader.close()
    return store.load(1)
  }
  expect(await passing(run())).toMatchObject({ epoch: 4 })
  expect(refused).toBeGreaterThan(5)
})
