import { createHash } from "node:crypto"
import { once } from "node:events"
import { Agent, createServer, get, request as openRequest } from "node:http"
import type { AddressInfo } from "node:net"
import { setImmediate as turn } from "node:timers/promises"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { expect, it } from "vitest"
import { createGate, startFaultProxy } from "../src/index.js"
import { viaHttp } from "./clients.js"
import { origin, proxy } from "./proxied-origin.js"

it("rules: the first that fits, skip, times, functions, clear", async () => {
  const ask = async (path: string) => (await viaHttp(proxy.endpoint + path)).status
  proxy.inject(
    { when: ({ path }) => path === "/a", fault: { kind: "status", status: 501 }, skip: 1, times: 1 },
    { when: ({ path }) => path === "/a", fault: { kind: "status", status: 502 }, times: 1 },
    { when: () => true, fault: ({ path }) => (path === "/f" ? { kind: "status", status: 503 } : undefined), times: 1 },
  )
  expect(await ask("/a")).toBe(502)
  expect(await ask("/a")).toBe(501)
  expect(await ask("/a")).toBe(404)
  expect(await ask("/f")).toBe(503)
  expect(await ask("/f")).toBe(404)
  proxy.inject({ when: () => true, fault: { kind: "status", status: 500 } })
  expect(await ask("/a")).toBe(500)
  proxy.clear()
  expect(await ask("/a")).toBe(404)
  expect(proxy.requests.map(({ fault }) => fault?.kind)).toEqual([
    ...Array(2).fill("status"),
    undefined,
    "status",
    undefined,
    "status",
    undefined,
  ])
  proxy.resetCounts()
  expect(proxy.requests).toHaveLength(0)
  expect(await ask("/a")).toBe(404)
  expect(proxy.requests[0]?.index).toBe(0)
})

it("counts exactly under 200 concurrent requests", async () => {
  proxy.inject({ when: ({ index }) => index % 4 === 0, fault: { kind: "status", status: 503 } })
  const agent = new Agent({ keepAlive: true })
  const outcomes = await Promise.all(
    Array.from({ length: 200 }, (_, i) =>
      viaHttp(`${proxy.endpoint}/${i}`, { method: "PUT", body: Buffer.alloc(i * 100, 1), agent }),
    ),
  )
  await proxy.idle()
  agent.destroy()
  expect(outcomes.filter(({ status }) => status === 503)).toHaveLength(50)
  expect(outcomes.filter(({ status }) => status === 200)).toHaveLength(150)
  expect(proxy.requests.map(({ index }) => index)).toEqual(Array.from({ length: 200 }, (_, i) => i))
  expect(new Set(proxy.requests.map(({ path }) => path)).size).toBe(200)
  expect(origin.received).toHaveLength(150)
  for (const { path, bytesReceived } of proxy.requests) expect(bytesReceived).toBe(Number(path.slice(1)) * 100)
})

it("stop() ends what hangs, waits and trickles", async () => {
  await viaHttp(`${proxy.endpoint}/h`, { method: "PUT", body: Buffer.alloc(1_000) })
  const gate = createGate()
  proxy.inject(
    { when: ({ path }) => path === "/1", fault: { kind: "hang" } },
    { when: ({ path }) => path === "/2", fault: { kind: "hang-after" } },
    { when: ({ path }) => path === "/3", fault: { kind: "hold", until: gate } },
    { when: ({ path }) => path === "/4", fault: { kind: "latency", ms: 3_600_000 } },
    { when: ({ path }) => path === "/5", fault: { kind: "trickle", bytesPerSecond: 1 } },
    { when: ({ path }) => path === "/6", fault: { kind: "replace-answer", body: () => new Promise<string>(() => {}) } },
    { when: ({ path }) => path === "/h", fault: { kind: "endless-answer" } },
  )
  const outcomes = [1, 2, 3, 4, 5, 6, "h"].map((n) =>
    viaHttp(`${proxy.endpoint}/${n}`, {
      method: n === "h" ? "GET" : "PUT",
      ...(n !== "h" && { body: Buffer.alloc(9) }),
    }),
  )
  await gate.reached
  await Promise.all(
    [1, 2, 4, 5, 6, "h"].map((n) =>
      proxy.seen(
        ({ path, serverAnswered }) =>
          path === `/${n}` && (n === 1 || n === 4 || n === 5 || serverAnswered !== undefined),
      ),
    ),
  )
  const never = expect(proxy.seen(() => false)).rejects.toThrow("stopped")
  const idle = proxy.idle()
  await proxy.stop()
  await idle
  await never
  for (const { error } of await Promise.all(outcomes)) expect(error).toBe("ECONNRESET")
  gate.release()
  expect(origin.received.some(({ url }) => url === "/3")).toBe(false)
  await proxy.stop()
})

const size = 64 * 1024 * 1024

it("streams 64 MiB both ways within bounded memory, at the pace of the slower side", async () => {
  setFlagsFromString("--expose-gc")
  const collectGarbage = runInNewContext("gc") as () => void
  const block = Buffer.alloc(64 * 1024, "checkpoint ")
  const digest = createHash("sha256")
  for (let sent = 0; sent < size; sent += block.length) digest.update(block)
  const expected = digest.digest("hex")
  let mostAhead = 0
  let mostHeld = 0
  const held = () => {
    // The second call waits for the buffers that the first call freed.
    collectGarbage()
    collectGarbage()
    mostHeld = Math.max(mostHeld, process.memoryUsage().arrayBuffers)
  }
  /** Takes a body slowly; `passed`: how many of its bytes the proxy has taken. */
  const take = async (body: AsyncIterable<Buffer>, passed: () => number): Promise<string> => {
    const hash = createHash("sha256")
    let taken = 0
    for await (const chunk of body) {
      hash.update(chunk)
      taken += chunk.length
      mostAhead = Math.max(mostAhead, passed() - taken)
      await turn()
      if (taken % (8 * 1024 * 1024) < chunk.length) held()
    }
    return hash.digest("hex")
  }

  const server = createServer(async (request, response) => {
    if (request.method === "PUT") {
      response.end(await take(request, () => record()?.bytesReceived ?? 0))
    } else {
      response.writeHead(200, { "Content-Length": size })
      for (let sent = 0; sent < size; sent += block.length) if (!response.write(block)) await once(response, "drain")
      response.end()
    }
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const big = await startFaultProxy(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const record = () => big.requests[0]
  try {
    held()
    const base = mostHeld
    const upload = openRequest(`${big.endpoint}/up`, { method: "PUT", headers: { "Content-Length": size } })
    const answered = once(upload, "response")
    for (let sent = 0; sent < size; sent += block.length) if (!upload.write(block)) await once(upload, "drain")
    upload.end()
    const [answer] = await answered
    let hex = ""
    for await (const chunk of answer) hex += chunk
    expect(hex).toBe(expected)
    expect(record()?.bytesReceived).toBe(size)
    // The size of the kernel's buffers is up to the system. Without back-pressure nearly the whole body would be ahead.
    expect(mostAhead).toBeLessThan(size / 2)

    big.resetCounts()
    mostAhead = 0
    const [down] = await once(get(`${big.endpoint}/down`), "response")
    expect(await take(down, () => record()?.bytesSent ?? 0)).toBe(expected)
    expect(record()?.bytesSent).toBe(size)
    expect(mostAhead).toBeLessThan(size / 2)
    expect(mostHeld - base).toBeLessThan(16 * 1024 * 1024)
  } finally {
    await big.stop()
    server.closeAllConnections()
    server.close()
  }
})
