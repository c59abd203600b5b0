import { createServer } from "node:http"
import { connect } from "node:net"
import { expect, inject, test } from "vitest"
import { GcsBackend } from "../src/index.js"
import { clients, newBucket } from "./storage.js"

test.each(Object.entries(clients))("%s: a proxy of the environment is used", async (_, newClient) => {
  const tunnelled: (string | undefined)[] = []
  const proxy = createServer().listen(0, "127.0.0.1")
  proxy.on("connect", ({ url }, client) => {
    tunnelled.push(url)
    const { hostname, port } = new URL(`http://${url}`)
    const server = connect(Number(port), hostname, () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n")
      client.pipe(server).pipe(client)
    })
    for (const socket of [server, client]) socket.on("error", () => {})
  })
  await new Promise((resolve) => proxy.once("listening", resolve))
  const { port } = proxy.address() as { port: number }
  const bucket = await newBucket()
  const before = process.env["HTTPS_PROXY"]
  process.env["HTTPS_PROXY"] = `http://127.0.0.1:${port}`
  try {
    const backend = new GcsBackend({ client: newClient(inject("endpoint")), bucket })
    await backend.put("key", [Buffer.from("bytes")])
    expect((await backend.head("key"))?.size).toBe(5)
    await backend[Symbol.asyncDispose]()
  } finally {
    if (before === undefined) delete process.env["HTTPS_PROXY"]
    else process.env["HTTPS_PROXY"] = before
    proxy.closeAllConnections()
    proxy.close()
  }
  expect(new Set(tunnelled)).toEqual(new Set([new URL(inject("endpoint")).host]))
})
