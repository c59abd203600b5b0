import { connect } from "node:net"
import { text } from "node:stream/consumers"
import { expect, onTestFinished, test } from "vitest"
import { servesHost } from "../../src/page/hosts.js"
import { servePage } from "../../src/page/serve.js"
import { ask, bearer, form, memoryStore, serve, token } from "./serving.js"

/** One request as it stands on the line: `ask` would send another path, and a length. Gives the whole answer. */
async function exchange(port: string, head: string, body = ""): Promise<string> {
  const socket = connect(Number(port), "127.0.0.1")
  socket.end(`${head}Connection: close\r\n\r\n${body}`)
  return text(socket)
}

async function served() {
  const page = await serve([await memoryStore("orders")])
  const port = new URL(page.origin).port
  return { page, port, home: `${page.origin}/s/orders/` }
}

test("another user of this machine is refused without the token, for every kind of request", async () => {
  const { page, home } = await served()
  for (const path of [
    "/",
    "/metrics",
    "/live",
    "/s/orders/",
    "/s/orders/data/timeline",
    "/s/orders/c/1",
    "/s/nobody/",
  ]) {
    const { status, body } = await ask(`${page.origin}${path}`)
    expect([path, status]).toEqual([path, 401])
    expect(body).not.toContain("orders")
  }
  for (const headers of [
    { authorization: "Bearer wrong" },
    { cookie: `ckpt_token_${new URL(page.origin).port}=wrong` },
  ]) {
    expect((await ask(home, { headers })).status).toBe(401)
  }
  expect((await ask(`${home}?token=wrong`)).status).toBe(401)
  expect(
    (await ask(`${page.origin}/s/orders/verify`, { method: "POST", headers: form, body: "which=all" })).status,
  ).toBe(401)
})

test("the printed address gives the token once: a cookie that scripts cannot read, and an address without it", async () => {
  const { page, home } = await served()
  const { status, headers } = await ask(`${home}?token=${token}&show=damaged`)
  expect([status, headers["location"]]).toEqual([303, "/s/orders/?show=damaged"])
  const [cookie = ""] = headers["set-cookie"] as string[]
  expect(cookie).toMatch(/^ckpt_token_\d+=.*; HttpOnly; SameSite=Lax$/)
  const [pair = ""] = cookie.split(";")
  expect((await ask(home, { headers: { cookie: pair } })).status).toBe(200)
  expect(page.url).toBe(`${page.origin}/?token=${token}`)
})

test.each(["//evil.example/", "/\\evil.example/", "/.//evil.example/", "/x/..//evil.example/", "///evil.example/a"])(
  "a path that a browser takes for another host is refused, with the token and without: %s",
  async (path) => {
    const { port } = await served()
    for (const query of ["", `?token=${token}`]) {
      const raw = await exchange(
        port,
        `GET ${path}${query} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAccept: text/html\r\n`,
      )
      expect(raw).toMatch(/^HTTP\/1\.1 400 /)
      expect(raw).not.toMatch(/evil|^location:/im)
    }
  },
)

test("without a token of its own, a page on loopback makes one up, another each time", async () => {
  const urls = []
  for (let at = 0; at < 2; at++) {
    const page = await serve([await memoryStore("orders")], { token: undefined })
    urls.push(new URL(page.url).searchParams.get("token") ?? "")
    expect((await ask(`${page.origin}/`)).status).toBe(401)
    expect((await ask(page.url)).status).toBe(303)
  }
  expect(urls[0]).toMatch(/^[\w-]{22}$/)
  expect(urls[0]).not.toBe(urls[1])
})

test.each(["0.0.0.0", "::", "192.0.2.1", "checkpoints.internal"])(
  "an address that others reach needs a token: %s",
  async (host) => {
    await expect(servePage([], { host, port: 0 })).rejects.toMatchObject({ code: "CKPT_INVALID", message: /--token/ })
    await expect(servePage([], { host: "127.0.0.1", port: 0, token: "" })).rejects.toMatchObject({
      code: "CKPT_INVALID",
    })
  },
)

test.each(["evil.example", "evil.example:4747", "127.0.0.1.evil.example", "192.0.2.7", "a b"])(
  "a name that was made to lead here (DNS rebinding) is refused, also with the token: %j",
  async (host) => {
    const { home } = await served()
    const { status, body } = await ask(home, { headers: { ...bearer, host } })
    // Node itself refuses a request without a host that it can read.
    expect([400, 421]).toContain(status)
    expect(body).not.toContain("orders")
  },
)

test("the names of loopback are served, with any port, as behind ssh -L; others only if they are allowed", async () => {
  const { home, port } = await served()
  for (const host of [`localhost:${port}`, "localhost:9999", "127.0.0.1", `[::1]:${port}`, "LOCALHOST."]) {
    expect([host, (await ask(home, { headers: { ...bearer, host } })).status]).toEqual([host, 200])
  }
  const page = await serve([await memoryStore("orders")], { allowHosts: ["ckpt.internal"] })
  const asked = (host: string) => ask(`${page.origin}/s/orders/`, { headers: { ...bearer, host } })
  expect([(await asked("ckpt.internal")).status, (await asked("other.internal")).status]).toEqual([200, 421])
})

test("on an address that others reach, numbers are served and names are not: no name of theirs is a number", () => {
  const isOurs = servesHost("0.0.0.0", ["ckpt.internal"])
  const asked = [
    "192.0.2.7",
    "[2001:db8::1]",
    "localhost",
    "ckpt.internal",
    "CKPT.internal.",
    "evil.example",
    "0x7f.1.evil.example",
    "",
  ]
  expect(asked.filter(isOurs)).toEqual(["192.0.2.7", "[2001:db8::1]", "localhost", "ckpt.internal", "CKPT.internal."])
  expect(asked.filter(servesHost("127.0.0.1", []))).toEqual(["localhost"])
})

test.each([
  ["a foreign origin", { origin: "http://evil.example" }],
  ["another port of this machine", { origin: "http://127.0.0.1:1" }],
  ["no origin to be named", { origin: "null" }],
  ["another site", { "sec-fetch-site": "cross-site" }],
  ["another site of this machine", { "sec-fetch-site": "same-site" }],
  ["a cookie, and no word of where from", {}],
])("a form that a page elsewhere sends is refused: %s", async (_, headers) => {
  const { page, port } = await served()
  const cookie = `ckpt_token_${port}=${token}`
  const sent = { ...form, cookie, ...headers }
  expect(
    (await ask(`${page.origin}/s/orders/verify`, { method: "POST", headers: sent, body: "which=all" })).status,
  ).toBe(403)
  // By this page itself the form is taken: the answer is about the store, which is empty.
  const own = { ...form, cookie, origin: page.origin, "sec-fetch-site": "same-origin" }
  const { status, body } = await ask(`${page.origin}/s/orders/verify`, {
    method: "POST",
    headers: own,
    body: "which=all",
  })
  expect([status, JSON.parse(body).code]).toEqual([404, "CKPT_NOT_FOUND"])
})

test("a script elsewhere reads nothing; a link from elsewhere may lead here", async () => {
  const { home, port } = await served()
  const cookie = `ckpt_token_${port}=${token}`
  const script = { cookie, "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty" }
  expect((await ask(`${home}data/timeline`, { headers: script })).status).toBe(403)
  expect((await ask(home, { headers: { ...bearer, origin: "http://evil.example" } })).status).toBe(403)
  const link = { cookie, "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" }
  const { status, headers } = await ask(home, { headers: link })
  expect(status).toBe(200)
  expect(headers["access-control-allow-origin"]).toBeUndefined()
})

test("every answer forbids what the page does not need, and no cache keeps what lies in a store", async () => {
  const { page, home } = await served()
  for (const [url, status] of [
    [home, 200],
    [`${home}c/7`, 404],
    [`${page.origin}/nowhere`, 404],
    [`${page.origin}/metrics`, 200],
  ] as const) {
    const answer = await ask(url, { headers: { ...bearer, accept: "text/html" } })
    expect(answer.status).toBe(status)
    const { headers } = answer
    const policy = String(headers["content-security-policy"])
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).not.toMatch(/unsafe|\*|https?:|data:/)
    expect(headers["x-content-type-options"]).toBe("nosniff")
    expect(headers["cache-control"]).toBe("no-store")
    expect(answer.body).not.toMatch(
      /<script(?![^>]*\bsrc="\/assets\/)|<style|\son\w+=|\sstyle=|(?:src|href)="(?:https?:)?\/\//,
    )
  }
})

test("a request that is too large is refused, and the page goes on", async () => {
  const { page, home } = await served()
  const body = `which=${"x".repeat(100_000)}`
  expect((await ask(`${home}verify`, { method: "POST", headers: { ...bearer, ...form }, body })).status).toBe(413)
  expect((await ask(home, { headers: { ...bearer, filler: "x".repeat(20_000) } })).status).toBe(431)
  expect((await ask(home, { headers: bearer })).status).toBe(200)
  expect((await ask(`${page.origin}/assets/..%2f..%2fpackage.json`, { headers: bearer })).status).toBe(404)
  expect((await ask(`${page.origin}/assets/constructor`, { headers: bearer })).status).toBe(404)
})

test("a form without a length is taken if it has no body, and otherwise asked for its length", async () => {
  const { page, port, home } = await served()
  const head = `POST /s/orders/verify HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${token}\r\n`
  // Without a body no checkpoint is chosen, as with an empty form.
  expect(await exchange(port, head)).toMatch(/^HTTP\/1\.1 404 [\s\S]*CKPT_NOT_FOUND/)
  const empty = await ask(`${page.origin}/s/orders/verify`, { method: "POST", headers: { ...bearer, ...form } })
  expect([empty.status, JSON.parse(empty.body).code]).toEqual([404, "CKPT_NOT_FOUND"])
  for (const body of ["9\r\nwhich=all\r\n0\r\n\r\n", "0\r\n\r\n"]) {
    const chunked = `${head}Content-Type: ${form["content-type"]}\r\nTransfer-Encoding: chunked\r\n`
    expect(await exchange(port, chunked, body)).toMatch(/^HTTP\/1\.1 411 [\s\S]*Content-Length/)
  }
  expect((await ask(home, { headers: bearer })).status).toBe(200)
})

/** Opens connections that send `sent` and no more, until the test ends; gives how many of them are still open. */
async function hold(port: string, count: number, sent: string): Promise<() => number> {
  const sockets = Array.from({ length: count }, () => connect(Number(port), "127.0.0.1").on("error", () => {}))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
  })
  await Promise.all(
    sockets.map(
      (socket) =>
        new Promise<void>((resolve) => {
          socket.once("close", () => resolve())
          socket.once("connect", () => socket.write(sent, () => resolve()))
        }),
    ),
  )
  for (const socket of sockets) socket.resume()
  return () => sockets.filter((socket) => !socket.destroyed && socket.readyState === "open").length
}

test.each([
  ["nothing", ""],
  ["half a head", "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"],
  ["a form that does not end", "POST /look HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n"],
])("a thousand connections without the token keep out nobody who has it, and are bounded: %s", async (_, sent) => {
  const { page, port, home } = await served()
  const live = connect(Number(port), "127.0.0.1")
  onTestFinished(() => void live.destroy())
  live.write(`GET /live HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${token}\r\n\r\n`)
  let heard = ""
  live.on("data", (chunk) => {
    heard += chunk.toString()
  })
  await expect.poll(() => heard).toContain("event: state")
  const stillOpen = await hold(port, 1_000, sent)
  const statuses = []
  for (let at = 0; at < 20; at++) statuses.push((await ask(home, { headers: bearer })).status)
  expect(statuses).toEqual(Array(20).fill(200))
  await expect.poll(stillOpen).toBeLessThan(512)
  // An open page stays open, and hears of news.
  const before = heard.length
  expect((await ask(`${page.origin}/s/orders/look`, { method: "POST", headers: bearer })).status).toBe(303)
  await expect.poll(() => heard.length).toBeGreaterThan(before)
})
