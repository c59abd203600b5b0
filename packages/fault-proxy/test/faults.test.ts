import { gunzipSync } from "node:zlib"
import { describe, expect, it } from "vitest"
import { createGate, type Fault } from "../src/index.js"
import { type Client, viaFetch, viaHttp, viaSocket } from "./clients.js"
import { origin, proxy } from "./proxied-origin.js"

const text = Buffer.from("0123456789".repeat(2_000))
const reset = /^(ECONNRESET|UND_ERR_SOCKET)$/

const always = () => true
const clients: [string, Client][] = [
  ["node:http", viaHttp],
  ["fetch", viaFetch],
]

describe.each(clients)("as %s sees it", (name, client) => {
  const inject = (fault: Fault) => proxy.inject({ when: always, fault, times: 1 })
  const put = () => client(`${proxy.endpoint}/a`, { method: "PUT", body: text })
  const get = (query = "") => client(`${proxy.endpoint}/a${query}`)

  /** Stores the object that the answers are made of, and forgets the requests for it. */
  async function stored(): Promise<void> {
    expect((await put()).status).toBe(200)
    await proxy.idle()
    proxy.resetCounts()
  }

  it("reset-before: nothing reaches the server", async () => {
    inject({ kind: "reset-before" })
    expect((await put()).error).toMatch(reset)
    await proxy.idle()
    expect(origin.received).toHaveLength(0)
    expect(proxy.requests[0]).toMatchObject({ fault: { kind: "reset-before" }, answered: undefined })
  })

  it("answer-lost: applied, and a reset without any answer", async () => {
    inject({ kind: "answer-lost" })
    const seen = await put()
    expect(seen.status).toBeUndefined()
    expect(seen.error).toMatch(reset)
    expect(origin.objects.get("/a")).toEqual(text)
    expect(proxy.requests[0]).toMatchObject({ serverAnswered: 200, answered: undefined, bytesSent: 0 })
  })

  it.each(["", "?chunked", "?close"])("reset-mid-answer: a part, then a reset (%s)", async (query) => {
    await stored()
    inject({ kind: "reset-mid-answer", afterBytes: 5_000 })
    const seen = await get(query)
    // If a body has no length and ends with its connection, undici takes a reset for its end.
    if (name === "fetch" && query === "?close") expect(seen.error).toBeUndefined()
    else expect(seen.error).toMatch(reset)
    expect(seen.body).toEqual(text.subarray(0, 5_000))
    expect(proxy.requests[0]).toMatchObject({ answered: 200, bytesSent: 5_000 })
  })

  it("reset-mid-answer: at least a byte is missing, and an empty answer breaks off too", async () => {
    await stored()
    inject({ kind: "reset-mid-answer", afterBytes: text.length })
    expect((await get()).error).toMatch(reset)
    expect(proxy.requests[0]?.bytesSent).toBe(text.length - 1)
    inject({ kind: "reset-mid-answer", afterBytes: 0 })
    expect((await client(`${proxy.endpoint}/a`, { method: "DELETE" })).error).toBeDefined()
    expect(origin.objects.has("/a")).toBe(false)
  })

  it("status: the server hears nothing, the client's body is taken", async () => {
    inject({ kind: "status", status: 503, headers: { "Retry-After": "7" }, body: "slow down" })
    const seen = await put()
    expect(seen).toMatchObject({ status: 503, body: Buffer.from("slow down") })
    expect(seen.headers["retry-after"]).toBe("7")
    await proxy.idle()
    expect(origin.received).toHaveLength(0)
    expect(proxy.requests[0]).toMatchObject({ answered: 503, bytesReceived: text.length, bytesSent: 9 })
  })

  it("status, applied: the server did it", async () => {
    inject({ kind: "status", status: 500, applied: true })
    expect((await put()).status).toBe(500)
    expect(origin.objects.get("/a")).toEqual(text)
    expect(proxy.requests[0]).toMatchObject({ serverAnswered: 200, answered: 500 })
  })

  it("hang: never reaches the server", async () => {
    inject({ kind: "hang" })
    const gone = new AbortController()
    const outcome = client(`${proxy.endpoint}/a`, { method: "PUT", body: text, signal: gone.signal })
    await proxy.seen((request) => request.fault?.kind === "hang")
    gone.abort()
    expect((await outcome).error).toBe("AbortError")
    await proxy.idle()
    expect(origin.received).toHaveLength(0)
  })

  it("hang-after: applied, never answered", async () => {
    inject({ kind: "hang-after" })
    const gone = new AbortController()
    const outcome = client(`${proxy.endpoint}/a`, { method: "PUT", body: text, signal: gone.signal })
    await proxy.seen((request) => request.serverAnswered === 200)
    expect(origin.objects.get("/a")).toEqual(text)
    gone.abort()
    expect(await outcome).toMatchObject({ error: "AbortError", body: Buffer.alloc(0) })
    await proxy.idle()
  })

  it("hang-mid-answer: a part, then silence", async () => {
    await stored()
    inject({ kind: "hang-mid-answer", afterBytes: 5_000 })
    const gone = new AbortController()
    const seen = await client(`${proxy.endpoint}/a`, {
      signal: gone.signal,
      onBytes: (count) => {
        if (count === 5_000) gone.abort()
      },
    })
    expect(seen.status).toBe(200)
    expect(seen.error).toBeDefined()
    expect(seen.body).toEqual(text.subarray(0, 5_000))
    await proxy.idle()
  })

  it.each([0, 5_000, text.length + 1])(
    "cut-request after %d bytes: a broken body there, a reset here",
    async (count) => {
      inject({ kind: "cut-request", afterBytes: count })
      expect((await put()).error).toMatch(reset)
      await origin.reached(1)
      const [broken] = origin.received
      expect(broken?.whole).toBe(false)
      expect(broken?.body).toEqual(text.subarray(0, broken?.body.length))
      expect(broken?.body.length).toBeLessThanOrEqual(count)
      expect(origin.objects.has("/a")).toBe(false)
    },
  )

  it.each(["", "?chunked", "?close"])("truncate keeping the length: an error (%s)", async (query) => {
    await stored()
    inject({ kind: "truncate", afterBytes: 5_000, framing: "length" })
    const seen = await get(query)
    expect(seen.headers["content-length"]).toBe(String(text.length))
    expect(seen.error).toBeDefined()
    expect(seen.body).toEqual(text.subarray(0, 5_000))
  })

  it.each(["", "?chunked", "?close"])("truncate chunked or closing: looks like a success (%s)", async (query) => {
    for (const framing of ["chunked", "close"] as const) {
      await stored()
      inject({ kind: "truncate", afterBytes: 5_000, framing })
      const seen = await get(query)
      expect(seen.error).toBeUndefined()
      expect(seen.headers["content-length"]).toBeUndefined()
      expect(seen.headers["transfer-encoding"]).toBe(framing === "chunked" ? "chunked" : undefined)
      expect(seen.body).toEqual(text.subarray(0, 5_000))
    }
  })

  it("corrupt-answer, corrupt-request: one byte, same length", async () => {
    inject({ kind: "corrupt-request", at: 12_345 })
    await put()
    const changed = Buffer.from(text)
    changed[12_345]! ^= 1
    expect(origin.objects.get("/a")).toEqual(changed)
    await stored()
    inject({ kind: "corrupt-answer", at: 12_345 })
    expect((await get()).body).toEqual(changed)
    inject({ kind: "corrupt-answer", at: 1e9 })
    const last = Buffer.from(text)
    last[text.length - 1]! ^= 1
    expect((await get()).body).toEqual(last)
  })

  it("compress-answer: gzip that nobody asked for", async () => {
    await stored()
    inject({ kind: "compress-answer" })
    const seen = await get()
    expect(seen.headers["content-encoding"]).toBe("gzip")
    expect(seen.headers["content-length"]).toBeUndefined()
    // fetch unpacks every compressed body.
    expect(name === "fetch" ? seen.body : gunzipSync(seen.body)).toEqual(text)
  })

  it("replace-answer: by a constant, and by a function of the real answer", async () => {
    await stored()
    inject({
      kind: "replace-answer",
      status: 200,
      headers: { "Content-Type": "application/xml", "X-Twice": undefined },
      body: "<Error/>",
    })
    const constant = await get()
    expect(constant).toMatchObject({ status: 200, body: Buffer.from("<Error/>") })
    expect(constant.headers).toMatchObject({ "content-type": "application/xml", "content-length": "8" })
    expect(constant.headers["x-twice"]).toBeUndefined()
    inject({ kind: "replace-answer", body: ({ status, body }) => `${status} ${body.length}` })
    expect(await get()).toMatchObject({ status: 200, body: Buffer.from(`200 ${text.length}`) })
    expect(proxy.requests[1]).toMatchObject({ serverAnswered: 200, answered: 200 })
  })

  it("endless-answer: the real body, then more than anyone wants", async () => {
    await stored()
    inject({ kind: "endless-answer" })
    const gone = new AbortController()
    const seen = await client(`${proxy.endpoint}/a`, {
      signal: gone.signal,
      onBytes: (count) => {
        if (count > 1_000_000) gone.abort()
      },
    })
    expect(seen.error).toBeDefined()
    expect(seen.body.subarray(0, text.length)).toEqual(text)
    expect(seen.body.length).toBeGreaterThan(1_000_000)
    await proxy.idle()
  })

  it("latency and trickle: late or slow, and otherwise unchanged", async () => {
    await stored()
    inject({ kind: "latency", ms: 50 })
    const before = performance.now()
    expect((await get()).body).toEqual(text)
    expect(performance.now() - before).toBeGreaterThan(45)
    inject({ kind: "trickle", bytesPerSecond: 100_000 })
    const start = performance.now()
    expect((await get()).body).toEqual(text)
    expect(performance.now() - start).toBeGreaterThan(180)
  })

  it("duplicate: twice at the server, one answer here", async () => {
    const gate = createGate()
    inject({ kind: "duplicate", until: gate })
    expect((await put()).body.toString()).toBe(`stored ${text.length}`)
    expect(origin.received).toHaveLength(1)
    gate.release()
    await proxy.idle()
    expect(origin.received.map(({ whole, body }) => whole && body.equals(text))).toEqual([true, true])
    expect(proxy.requests).toHaveLength(1)
  })

  it("hold: forwarded when released", async () => {
    const gate = createGate()
    inject({ kind: "hold", until: gate })
    const outcome = put()
    expect(await gate.reached).toMatchObject({ path: "/a", bytesReceived: text.length })
    expect((await client(`${proxy.endpoint}/b`, { method: "PUT", body: text })).status).toBe(200)
    gate.release()
    expect((await outcome).status).toBe(200)
    expect(origin.received.map(({ url }) => url)).toEqual(["/b", "/a"])
  })

  it("hold: forwarded although the client has gone", async () => {
    const gate = createGate()
    inject({ kind: "hold", until: gate })
    const gone = new AbortController()
    const outcome = client(`${proxy.endpoint}/a`, { method: "PUT", body: text, signal: gone.signal })
    await gate.reached
    gone.abort()
    expect((await outcome).error).toBe("AbortError")
    gate.release()
    await proxy.idle()
    expect(origin.objects.get("/a")).toEqual(text)
    expect(proxy.requests[0]?.serverAnswered).toBe(200)
  })
})

it("resets are resets, not ends", async () => {
  await viaHttp(`${proxy.endpoint}/a`, { method: "PUT", body: text })
  const faults: Fault[] = [
    { kind: "reset-before" },
    { kind: "answer-lost" },
    { kind: "reset-mid-answer", afterBytes: 100 },
    { kind: "reset-mid-answer", afterBytes: 0 },
  ]
  for (const fault of faults) {
    proxy.inject({ when: always, fault, times: 1 })
    const { text: seen, ended } = await viaSocket(proxy.endpoint, "GET /a?close HTTP/1.1\r\nHost: h\r\n\r\n")
    expect(ended).toBe("reset")
    const body = seen.split("\r\n\r\n")[1]
    expect(body).toBe(fault.kind === "reset-mid-answer" ? text.toString().slice(0, fault.afterBytes) : undefined)
  }
  proxy.inject({ when: always, fault: { kind: "reset-mid-answer", afterBytes: 100 }, times: 1 })
  const emptied = await viaSocket(proxy.endpoint, "HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n")
  expect(emptied).toEqual({ text: "HTTP/1.1 200 \r\n", ended: "reset" })
})
