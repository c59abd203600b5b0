import { readFile } from "node:fs/promises"
import type { CheckpointStore } from "@ckpt/core"
import { putBody } from "@ckpt/core/adapter"
import { MemoryBackend } from "@ckpt/memory"
import { expect, onTestFinished, test } from "vitest"
import type { OpenedStore } from "../../src/stores/opened.js"
import { writeJob, writeMany } from "./job.js"
import { ask, bearer, followed, listed, memoryStore, read, send, serve } from "./serving.js"

const startMs = Date.UTC(2026, 0, 5, 8)

async function servedJob(checkpoints: number, allowWrites = false) {
  const opened = await memoryStore("orders")
  await writeJob(opened.store, { checkpoints, startMs, mostBytes: 200_000 })
  return { opened, page: await serve([opened], { allowWrites }) }
}

/** Changes one byte of an object, as a bad disk would. */
async function damage(backend: MemoryBackend, key: string): Promise<void> {
  const content = await backend.get(key, {})
  const chunks: Uint8Array[] = []
  for await (const chunk of content!.body) chunks.push(chunk)
  const bytes = Buffer.concat(chunks)
  bytes.writeUInt8(bytes.readUInt8(40) ^ 1, 40)
  await putBody(backend, key, [bytes])
}

test("every view has a URL, and one store is its own home", async () => {
  const { page } = await servedJob(12)
  expect((await read(page, "/")).headers["location"]).toBe("/s/orders/")
  const views: [path: string, shows: RegExp][] = [
    ["/s/orders/", /<a href="\/s\/orders\/c\/12">12<\/a>/],
    ["/s/orders/?show=pinned", /none of 0/],
    ["/s/orders/state", /join-orders-payments/],
    ["/s/orders/sources", /From checkpoint <a[^>]*>11<\/a> to <a[^>]*>12/],
    ["/s/orders/c/7", /<h1>Checkpoint 7<\/h1>/],
    ["/s/orders/diff?a=3&b=9", /Compare <a[^>]*>3<\/a> with <a[^>]*>9/],
    ["/s/orders/verify", /all that are unverified/],
    ["/s/orders/prune?last=3", /9 checkpoints would go/],
  ]
  for (const [path, shows] of views) {
    const { status, body } = await read(page, path)
    expect([path, status]).toEqual([path, 200])
    expect(body).toMatch(shows)
  }
  expect((await read(page, "/s/orders/c/latest")).headers["location"]).toBe("/s/orders/c/12")
  expect((await read(page, "/s/orders/goto?id=latest")).headers["location"]).toBe("/s/orders/c/latest")
})

test.each([
  ["/s/orders/c/99", 404, "CKPT_NOT_FOUND"],
  ["/s/orders/c/0", 400, "CKPT_INVALID"],
  ["/s/orders/c/9007199254740993", 400, "CKPT_INVALID"],
  ["/s/orders/?before=soon", 400, "CKPT_INVALID"],
  ["/s/orders/goto?id=no-such-pin", 404, "CKPT_NOT_FOUND"],
  ["/s/orders/verify/5", 404, "CKPT_NOT_FOUND"],
  ["/s/orders/diff?a=1&b=99", 200, "CKPT_NOT_FOUND"],
  ["/s/orders/prune?last=0", 200, "CKPT_INVALID"],
  ["/s/orders/prune?last=many", 200, "CKPT_INVALID"],
  ["/s/others/", 404, "There is no such page"],
])("what cannot be shown says so on a page that goes on: %s", async (path, status, says) => {
  const { page } = await servedJob(2)
  const answer = await read(page, path)
  expect(answer.status).toBe(status)
  expect(answer.body).toContain(says)
})

test("a table has a hundred rows of ten thousand, and the charts' data are one request", async () => {
  const backend = new MemoryBackend()
  await writeMany(backend, 10_000, startMs)
  const page = await serve([await memoryStore("many", { backend, readOnly: true })])
  await listed(page)
  const first = await read(page, "/s/many/")
  expect(first.body.match(/<tr/g)).toHaveLength(101)
  expect(first.body.length).toBeLessThan(80_000)
  expect(first.body).toContain("9,901 to 10,000 of 10,000")
  const older = await read(page, "/s/many/?before=9901")
  expect(older.body).toContain("9,801 to 9,900 of 10,000")
  const data = await read(page, "/s/many/data/timeline")
  expect(JSON.parse(data.body).ids).toHaveLength(10_000)
  expect(data.body.length).toBeLessThan(300_000)
  // A browser that has them asks whether they are the same.
  const same = await read(page, "/s/many/data/timeline", { "if-none-match": String(data.headers["etag"]) })
  expect([same.status, same.body]).toEqual([304, ""])
  for (const path of ["/s/many/data/operators", "/s/many/data/sources"]) {
    const { times, of } = JSON.parse((await read(page, path)).body)
    expect(of).toBe(10_000)
    expect(times.length).toBeLessThanOrEqual(1_000)
    expect(times.at(-1)).toBe(startMs + 10_000_000)
  }
})

test("a verification reads every byte, tells how far it is, and finds what a listing cannot", async () => {
  const { opened, page } = await servedJob(12)
  const backend = opened.backend as MemoryBackend
  await damage(backend, "checkpoints/state-000008.bin")
  expect((await read(page, "/s/orders/?show=damaged")).body).toContain("none of 0")
  const { status, headers } = await send(page, "/s/orders/verify", { which: "all" })
  expect([status, headers["location"]]).toEqual([303, "/s/orders/verify/1"])
  const events = await followed(page, "/s/orders/verify/1/events")
  expect(events.at(-1)?.event).toBe("over")
  expect(JSON.parse(events.at(-1)!.data)).toMatchObject({ state: "done", done: 12, of: 12, damaged: 1 })
  expect((await read(page, "/s/orders/verify/1")).body).toContain("state-checksum")
  expect((await read(page, "/s/orders/?show=damaged")).body).toMatch(/c\/8">8<\/a>[\s\S]*state-checksum/)
  expect((await read(page, "/s/orders/?show=valid")).body).toContain("of 11")
  expect((await read(page, "/metrics")).body).toMatch(/ckpt_damaged_checkpoints\{[^}]*\} 1\n/)
})

/** The store, each of whose verifications first waits for this. */
function withVerify(opened: OpenedStore, before: (id: number) => Promise<void>): OpenedStore {
  const store: CheckpointStore = Object.create(opened.store, {
    verify: {
      value: async (...args: Parameters<typeof opened.store.verify>) => {
        await before(args[0])
        return opened.store.verify(...args)
      },
    },
    list: { value: opened.store.list.bind(opened.store) },
  })
  return { ...opened, store, close: opened.close }
}

/** A job of three checkpoints, and a verification of the first that stands still until the test ends. */
async function servedWithLongVerification() {
  const opened = await memoryStore("orders")
  await writeJob(opened.store, { checkpoints: 3, startMs })
  let open = (): void => {}
  const gate = new Promise<void>((resolve) => {
    open = resolve
  })
  const page = await serve([withVerify(opened, (id) => (id === 1 ? gate : Promise.resolve()))])
  // Before the page ends, which waits for what it verifies.
  onTestFinished(open)
  expect((await send(page, "/s/orders/verify", { id: "1" })).headers["location"]).toBe("/s/orders/verify/1")
  return { page, open }
}

test("a verification that still runs is never forgotten, and can be cancelled", async () => {
  const { page, open } = await servedWithLongVerification()
  for (let job = 2; job <= 60; job++) {
    await send(page, "/s/orders/verify", { id: "2" })
    await followed(page, `/s/orders/verify/${job}/events`)
  }
  // Of those that are over, the latest are kept.
  expect((await read(page, "/s/orders/verify/2")).status).toBe(404)
  expect((await read(page, "/s/orders/verify")).body.match(/href="\/s\/orders\/verify\/\d+"/g)).toHaveLength(50)
  expect((await send(page, "/s/orders/verify/1/cancel", {})).status).toBe(303)
  open()
  expect((await read(page, "/s/orders/verify/1")).status).toBe(200)
})

test("whoever follows verifications keeps no page from its news, and is refused beyond a hundred", async () => {
  const { page } = await servedWithLongVerification()
  const leave = new AbortController()
  onTestFinished(() => leave.abort())
  const follow = async (path: string) =>
    (await fetch(`${page.origin}${path}`, { headers: bearer, signal: leave.signal })).status
  const statuses = []
  for (let at = 0; at < 101; at++) statuses.push(await follow("/s/orders/verify/1/events"))
  expect(statuses).toEqual([...Array(100).fill(200), 503])
  expect(await follow("/live")).toBe(200)
})

test("verifications take turns, and too many that wait are refused; one that waits can be cancelled", async () => {
  const opened = await memoryStore("orders")
  await writeJob(opened.store, { checkpoints: 3, startMs })
  let open = (): void => {}
  const gate = new Promise<void>((resolve) => {
    open = resolve
  })
  let running = 0
  let most = 0
  const page = await serve([
    withVerify(opened, async () => {
      most = Math.max(most, ++running)
      await gate
      running--
    }),
  ])
  const begin = () => send(page, "/s/orders/verify", { which: "latest" })
  const statuses = []
  for (let at = 0; at < 11; at++) statuses.push((await begin()).status)
  expect(statuses).toEqual([...Array(10).fill(303), 409])
  await send(page, "/s/orders/verify/10/cancel", {})
  expect(JSON.parse((await followed(page, "/s/orders/verify/10/events")).at(-1)!.data).state).toBe("cancelled")
  open()
  for (let job = 1; job <= 9; job++) {
    expect(JSON.parse((await followed(page, `/s/orders/verify/${job}/events`)).at(-1)!.data).state).toBe("done")
  }
  expect(most).toBe(2)
})

test("nothing is changed unless the page may write", async () => {
  const { opened, page } = await servedJob(6)
  const before = await opened.store.ids()
  for (const [path, fields] of [
    ["/s/orders/prune", { last: "1", digest: "x" }],
    ["/s/orders/c/2/remove", {}],
    ["/s/orders/c/2/pin", { name: "mine" }],
    ["/s/orders/c/2/unpin", { name: "mine" }],
  ] as const) {
    const { status, body } = await send(page, path, fields)
    expect([path, status]).toEqual([path, 403])
    expect(body).toMatch(/CKPT_READ_ONLY[\s\S]*--allow-writes/)
  }
  expect(await opened.store.ids()).toEqual(before)
  expect(await opened.store.pins()).toEqual([])
  const { body } = await read(page, "/s/orders/prune?last=1")
  expect(body).not.toContain('method="post" action="/s/orders/prune"')
})

test("a page that may write prunes what its preview showed, and nothing else", async () => {
  const { opened, page } = await servedJob(6, true)
  const digest = async () =>
    /name="digest" value="([^"]+)"/.exec((await read(page, "/s/orders/prune?last=2")).body)?.[1] ?? ""
  const old = await digest()
  await opened.store.saveNext({ timestampMs: startMs + 10_000_000 })
  const late = await send(page, "/s/orders/prune", { last: "2", digest: old })
  expect(late.body).toContain("Nothing was removed: the store has changed since the preview")
  expect(await opened.store.ids()).toEqual([1, 2, 3, 4, 5, 6, 7])
  const now = await send(page, "/s/orders/prune", { last: "2", digest: await digest() })
  expect(now.body).toContain("5 checkpoints removed.")
  expect(await opened.store.ids()).toEqual([6, 7])
})

test("a page that may write pins, unpins and removes; the store's own rules hold", async () => {
  const { opened, page } = await servedJob(4, true)
  expect((await send(page, "/s/orders/c/2/pin", { name: "before" })).headers["location"]).toBe("/s/orders/c/2")
  expect((await read(page, "/s/orders/goto?id=before")).headers["location"]).toBe("/s/orders/c/2")
  // As on the command line, a pin that looks like an id is named by pin:.
  await opened.store.pin(3, "1")
  expect((await read(page, "/s/orders/goto?id=pin%3A1")).headers["location"]).toBe("/s/orders/c/3")
  expect((await read(page, "/s/orders/goto?id=1")).headers["location"]).toBe("/s/orders/c/1")
  await opened.store.unpin("1")
  expect((await read(page, "/s/orders/prune?last=1")).body).toContain("pinned: before")
  expect((await send(page, "/s/orders/c/2/remove", {})).body).toContain("CKPT_INVALID")
  await send(page, "/s/orders/c/2/unpin", { name: "before" })
  await send(page, "/s/orders/c/2/remove", {})
  expect(await opened.store.ids()).toEqual([1, 3, 4])
  expect((await send(page, "/s/orders/c/4/remove", {})).status).toBe(400)
  expect((await send(page, "/s/orders/c/3/pin", { name: "a b" })).body).toContain("CKPT_INVALID")
})

test("a rotten newest checkpoint costs no sound one: the page removes and prunes as the commands do", async () => {
  const { opened, page } = await servedJob(20, true)
  await damage(opened.backend as MemoryBackend, "checkpoints/state-000020.bin")
  // Nobody has read the bytes of 20, and the summary says so.
  expect((await read(page, "/s/orders/")).body).toMatch(/Recovery takes[\s\S]*>20<\/a>[^\n]*its bytes were not read/)
  // The preview reads them: 20 is damaged, 19 stays. What is shown is what goes.
  const { body } = await read(page, "/s/orders/prune?last=1")
  expect(body).toMatch(
    /18 checkpoints would go[\s\S]*\/c\/19">19<\/a><\/th><td>stay<\/td><td>the latest valid checkpoint/,
  )
  expect(body).toMatch(/Recovery takes[\s\S]*>19<\/a>/)
  const statuses = []
  for (let id = 19; id >= 4; id--) statuses.push((await send(page, `/s/orders/c/${id}/remove`, {})).status)
  expect(statuses).toEqual([400, ...Array(15).fill(303)])
  const digest = async () =>
    /name="digest" value="([^"]+)"/.exec((await read(page, "/s/orders/prune?last=1")).body)?.[1] ?? ""
  const pruned = await send(page, "/s/orders/prune", { last: "1", digest: await digest() })
  expect(pruned.body).toContain("3 checkpoints removed.")
  expect(await opened.store.ids()).toEqual([19, 20])
  expect((await opened.store.recover({ depth: "deep" })).checkpoint?.id).toBe(19)
})

test("a state that rots after the preview changes what would go, so nothing goes", async () => {
  const { opened, page } = await servedJob(6, true)
  const { body } = await read(page, "/s/orders/prune?last=1")
  const digest = /name="digest" value="([^"]+)"/.exec(body)?.[1] ?? ""
  expect(body).toContain("4 checkpoints would go")
  for (const id of [5, 6]) await damage(opened.backend as MemoryBackend, `checkpoints/state-00000${id}.bin`)
  const late = await send(page, "/s/orders/prune", { last: "1", digest })
  expect(late.body).toMatch(/Nothing was removed: the store has changed since the preview[\s\S]*3 checkpoints would go/)
  expect(await opened.store.ids()).toEqual([1, 2, 3, 4, 5, 6])
})

test("a page that only renews its live parts makes no preview again: it would read a whole state each time", async () => {
  const { page } = await servedJob(3)
  const path = "/s/orders/prune?last=1"
  const renewed = await read(page, path, { "x-requested-by": "page" })
  expect(renewed.body).toContain('id="summary"')
  expect(renewed.body).not.toContain("would go")
  expect((await read(page, path)).body).toContain("1 checkpoint would go")
})

test("a page takes nobody's lead: on a claimed store it says who leads, and changes nothing", async () => {
  const opened = await memoryStore("orders")
  const leader = await opened.store.claim()
  for (let at = 0; at < 3; at++) await leader.saveNext({})
  const page = await serve([opened], { allowWrites: true })
  const { status, body } = await send(page, "/s/orders/c/1/remove", {})
  expect(status).toBe(409)
  expect(body).toMatch(/CKPT_FENCED[\s\S]*claim 1 leads/)
  await leader.saveNext({})
  expect(await leader.ids()).toEqual([1, 2, 3, 4])
  await leader.close()
})

test("Prometheus reads the figures of each store, in its own form", async () => {
  // The writer's clock is a day ahead, and the storage's an hour: the age is by the storage's alone.
  let storageMs = Date.now() + 3_600_000
  const orders = await memoryStore('or"ders', { backend: new MemoryBackend({ now: () => storageMs }) })
  await writeJob(orders.store, { checkpoints: 3, startMs: Date.now() + 86_400_000 })
  storageMs += 60_000
  await orders.store.pin(1, "savepoint")
  const page = await serve([orders, await memoryStore("empty")])
  const { status, headers, body } = await ask(`${page.origin}/metrics`, { headers: bearer })
  expect([status, headers["content-type"]]).toEqual([200, "text/plain; version=0.0.4; charset=utf-8"])
  for (const line of body.trimEnd().split("\n")) {
    expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+\{store="[\w-]+",url="(\\"|[^"])*"\} [\d.e+-]+)$/)
  }
  const value = (name: string, store: string) =>
    Number(new RegExp(`^${name}\\{store="${store}",[^}]*\\} (.*)$`, "m").exec(body)?.[1])
  expect(value("ckpt_up", "or-ders")).toBe(1)
  expect(value("ckpt_checkpoints", "or-ders")).toBe(3)
  expect(value("ckpt_pinned_checkpoints", "or-ders")).toBe(1)
  expect(value("ckpt_latest_valid_age_seconds", "or-ders")).toBeGreaterThan(55)
  expect(value("ckpt_latest_valid_age_seconds", "or-ders")).toBeLessThan(75)
  expect(value("ckpt_checkpoints", "empty")).toBe(0)
  expect(value("ckpt_latest_valid_age_seconds", "empty")).toBeNaN()
  expect(value("ckpt_last_verify_timestamp_seconds", "or-ders")).toBeNaN()
})

test("docs/page.md names each metric, and no other", async () => {
  const page = await serve([await memoryStore("orders")])
  const { body } = await read(page, "/metrics")
  const docs = await readFile(new URL("../../../../docs/page.md", import.meta.url), "utf8")
  const named = new Set(docs.match(/\bckpt_[a-z_]+/g))
  expect([...named].toSorted()).toEqual([...body.matchAll(/^# TYPE (\w+)/gm)].map(([, name]) => name).toSorted())
})

test("several stores stand side by side; two of one name have two addresses", async () => {
  const stores = [await memoryStore("job"), await memoryStore("job"), await memoryStore("../../etc")]
  await writeJob(stores[1]!.store, { checkpoints: 2, startMs })
  const page = await serve(stores)
  const { body } = await read(page, "/")
  expect([...body.matchAll(/<h2><a href="(\/s\/[^"]+)">/g)].map(([, href]) => href)).toEqual([
    "/s/job/",
    "/s/job-2/",
    "/s/etc/",
  ])
  expect((await read(page, "/s/job-2/")).body).toContain("1 to 2 of 2")
})
