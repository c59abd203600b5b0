import { once } from "node:events"
import { Agent, createServer, request as openRequest } from "node:http"
import type { AddressInfo } from "node:net"
import { expect, it } from "vitest"
import { type Fault, startFaultProxy } from "../src/index.js"
import { viaHttp } from "./clients.js"
import { origin, proxy } from "./proxied-origin.js"

it("forwards the header list as it was sent: Host, case, order, duplicates", async () => {
  const headers = [
    "x-B",
    "1",
    "Host",
    "bucket.example:99",
    "X-b",
    "2",
    "Content-Length",
    "2",
    "aMz-Sha",
    "é",
    "Connection",
    "keep-alive",
  ]
  await viaHttp(`${proxy.endpoint}/a%2Fb/%C3%A9?x=%20y&x=2`, { method: "PUT", headers, body: Buffer.from("ok") })
  expect(origin.received[0]).toMatchObject({ method: "PUT", url: "/a%2Fb/%C3%A9?x=%20y&x=2", rawHeaders: headers })
  const [request] = proxy.requests
  expect(request).toMatchObject({ index: 0, method: "PUT", path: "/a/b/é", answered: 200, fault: undefined })
  expect(request?.query.getAll("x")).toEqual([" y", "2"])
  expect(request?.headers.host).toBe("bucket.example:99")
})

it("passes head and framing of the answer on as the server sent them", async () => {
  const body = Buffer.from("some bytes")
  await viaHttp(`${origin.url}/a`, { method: "PUT", body })
  const dateless = (raw: string[] = []) => raw.filter((_, i) => raw[i - (i % 2)] !== "Date")
  for (const [method, path] of [
    ["GET", "/a"],
    ["GET", "/a?chunked"],
    ["GET", "/a?close"],
    ["HEAD", "/a"],
    ["GET", "/none"],
    ["DELETE", "/a"],
  ] as const) {
    const direct = await viaHttp(origin.url + path, { method, headers: ["Host", "h"] })
    const proxied = await viaHttp(proxy.endpoint + path, { method, headers: ["Host", "h"] })
    expect(proxied.status).toBe(direct.status)
    expect(dateless(proxied.rawHeaders)).toEqual(dateless(direct.rawHeaders))
    expect(proxied.body).toEqual(direct.body)
  }
})

it("says nothing of a body where the client had none", async () => {
  const headers = ["Host", "h", "Connection", "close"]
  for (const method of ["GET", "DELETE"]) await viaHttp(`${proxy.endpoint}/none`, { method, headers })
  expect(origin.received.map(({ rawHeaders }) => rawHeaders)).toEqual([headers, headers])
})

it("keeps connections alive on both sides", async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  try {
    for (let i = 0; i < 20; i++) {
      expect(
        (await viaHttp(`${proxy.endpoint}/${i}`, { method: "PUT", body: Buffer.alloc(1_000), agent })).status,
      ).toBe(200)
    }
    expect(origin.connections()).toBe(1)
  } finally {
    agent.destroy()
  }
})

it("Expect: 100-continue goes through to the server and back", async () => {
  const body = Buffer.from("sent when asked for")
  const seen = await viaHttp(`${proxy.endpoint}/a`, {
    method: "PUT",
    headers: { Expect: "100-continue", "Content-Length": String(body.length) },
    body,
  })
  expect(seen).toMatchObject({ status: 200, continued: true })
  expect(origin.objects.get("/a")).toEqual(body)
})

it("refuses before the body where 100 Continue was asked for", async () => {
  proxy.inject({ when: () => true, fault: { kind: "status", status: 503, early: true } })
  const seen = await viaHttp(`${proxy.endpoint}/a`, {
    method: "PUT",
    headers: { Expect: "100-continue", "Content-Length": "9" },
    body: Buffer.alloc(9),
  })
  expect(seen.status).toBe(503)
  expect(seen.continued).toBeUndefined()
  expect(seen.headers["connection"]).toBe("close")
})

it("answers early while the body is still being sent", async () => {
  proxy.inject({ when: () => true, fault: { kind: "status", status: 503, early: true }, times: 1 })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const request = openRequest(`${proxy.endpoint}/a`, { method: "PUT", headers: { "Content-Length": "20" }, agent })
  request.write(Buffer.alloc(10))
  const status = await new Promise((resolve) => request.on("response", (answer) => resolve(answer.resume().statusCode)))
  expect(status).toBe(503)
  request.end(Buffer.alloc(10))
  // The connection is still good: the next request uses it.
  expect((await viaHttp(`${proxy.endpoint}/a`, { method: "PUT", body: Buffer.alloc(3), agent })).status).toBe(200)
  expect(proxy.requests.map(({ bytesReceived }) => bytesReceived)).toEqual([20, 3])
  expect(origin.received).toHaveLength(1)
  agent.destroy()
})

it("a client that breaks off an upload breaks it off at the server", async () => {
  const request = openRequest(`${proxy.endpoint}/a`, { method: "PUT", headers: { "Content-Length": "20" } })
  request.on("error", () => {})
  request.write(Buffer.alloc(10))
  await proxy.seen(({ path }) => path === "/a")
  request.destroy()
  await proxy.idle()
  expect(origin.objects.has("/a")).toBe(false)
})

it("says that the server cannot be reached, and is itself again when it can", async () => {
  await origin.stop()
  const seen = await viaHttp(`${proxy.endpoint}/a`, { method: "PUT", body: Buffer.alloc(100_000) })
  expect(seen.status).toBe(502)
  expect(seen.body.toString()).toContain(`fault proxy: ${origin.url} cannot be reached: connect ECONNREFUSED`)
  await proxy.idle()
})

it("a rule that throws is a 502 that says so", async () => {
  proxy.inject({
    when: () => {
      throw new Error("no such field")
    },
    fault: { kind: "hang" },
  })
  expect((await viaHttp(`${proxy.endpoint}/a`)).body.toString()).toBe("fault proxy: no such field\n")
})

it("a server that breaks off, before or in its answer, is a reset and no 502", async () => {
  const server = createServer((request, response) => {
    if (request.url === "/before") request.socket.resetAndDestroy()
    else {
      response.writeHead(200, { "Content-Length": 10 })
      response.write("12345", () => request.socket.destroy())
    }
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const fragile = await startFaultProxy(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  expect(await viaHttp(`${fragile.endpoint}/before`)).toMatchObject({ error: "ECONNRESET", body: Buffer.alloc(0) })
  expect(await viaHttp(`${fragile.endpoint}/within`)).toMatchObject({ status: 200, error: "ECONNRESET" })
  expect(fragile.requests.map(({ answered }) => answered)).toEqual([undefined, 200])
  await fragile.stop()
  server.close()
})

it("trailers go through in both directions", async () => {
  const server = createServer(async (request, response) => {
    for await (const _ of request) {
      // Read to its end, where the trailers are.
    }
    response.writeHead(200, { Trailer: "X-Sum" })
    response.write("body")
    response.addTrailers([["X-Sum", `got ${request.rawTrailers.join("=")}`]])
    response.end()
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const trailing = await startFaultProxy(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const request = openRequest(trailing.endpoint, { method: "PUT", headers: { Trailer: "X-Crc" } })
  request.write("body")
  request.addTrailers({ "X-Crc": "7" })
  request.end()
  const [answer] = await once(request, "response")
  await once(answer.resume(), "end")
  expect(answer.rawTrailers).toEqual(["X-Sum", "got X-Crc=7"])
  await trailing.stop()
  server.close()
})

it("a client that waits for 100 Continue gets it under every fault that takes its body", async () => {
  const body = Buffer.from("hello")
  const faults: [Fault, number | undefined, number][] = [
    [{ kind: "status", status: 503 }, 503, 0],
    [{ kind: "status", status: 500, applied: true }, 500, 1],
    [{ kind: "answer-lost" }, undefined, 1],
    [{ kind: "corrupt-request", at: 0 }, 200, 1],
    [{ kind: "hold", until: Promise.resolve() }, 200, 1],
    [{ kind: "duplicate" }, 200, 2],
  ]
  for (const [fault, status, applied] of faults) {
    const before = origin.received.length
    proxy.inject({ when: () => true, fault, times: 1 })
    const headers = { Expect: "100-continue", "Content-Length": String(body.length) }
    const seen = await viaHttp(`${proxy.endpoint}/a`, { method: "PUT", headers, body })
    await proxy.idle()
    expect([fault.kind, seen.continued, seen.status]).toEqual([fault.kind, true, status])
    expect(origin.received.length - before).toBe(applied)
    expect(proxy.requests.at(-1)?.bytesReceived).toBe(body.length)
  }
})
