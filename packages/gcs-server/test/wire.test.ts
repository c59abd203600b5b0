import { createHash, randomBytes } from "node:crypto"
import { request } from "node:http"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { type GcsServer, startGcsServer } from "../src/index.js"
import { errorOf, send } from "./support/raw.js"

let server: GcsServer
beforeEach(async () => {
  server = await startGcsServer({ now: () => Date.UTC(2026, 2, 4, 5, 6, 7, 89) })
  server.createBucket("test-bucket")
})
afterEach(() => server.stop())

const objects = () => `${server.endpoint}/storage/v1/b/test-bucket/o`
const uploads = () => `${server.endpoint}/upload/storage/v1/b/test-bucket/o`
const media = (name: string, body: Buffer | string, headers = {}) =>
  send(`${uploads()}?uploadType=media&name=${encodeURIComponent(name)}`, { method: "POST", body, headers })

function multipart(
  query: string,
  resource: object,
  body: Buffer | string,
  options: { boundary?: string; end?: string } = {},
) {
  const { boundary = "b1", end = "" } = options
  const parts = [
    `--${boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n${JSON.stringify(resource)}\r\n`,
    `--${boundary}\r\ncontent-type: text/x-media\r\n\r\n`,
  ]
  return send(`${uploads()}?uploadType=multipart&${query}`, {
    method: "POST",
    headers: { "content-type": `multipart/related; boundary=${boundary.includes(":") ? `"${boundary}"` : boundary}` },
    body: Buffer.concat([Buffer.from(parts.join("")), Buffer.from(body), Buffer.from(`\r\n--${boundary}--${end}`)]),
  })
}

describe("multipart uploads", () => {
  it("ends with or without a line break, with the boundary quoted or not; the name in the query or in the metadata", async () => {
    const body = Buffer.concat([Buffer.from("\r\n--b\r\n\r\n"), randomBytes(300_000), Buffer.from("\r\n--b")])
    const variants = [{}, { end: "\r\n" }, { boundary: "a:b" }]
    for (const [i, options] of variants.entries()) {
      const uploaded = await multipart(`name=k${i}`, {}, body, options)
      expect(uploaded.status).toBe(200)
      expect(JSON.parse(uploaded.text)).toMatchObject({ size: String(body.length), contentType: "text/x-media" })
      const back = await send(`${objects()}/k${i}?alt=media`, { method: "GET" })
      expect(back.body.equals(body)).toBe(true)
    }
    const named = await multipart("", { name: "named/in metadata", contentType: "text/own" }, "")
    expect(JSON.parse(named.text)).toMatchObject({ name: "named/in metadata", contentType: "text/own", size: "0" })
    expect((await multipart("name=other", { name: "named" }, "x")).status).toBe(400)
    expect((await multipart("", {}, "x")).status).toBe(400)
  })

  it("refuses what is cut short or is no multipart body, and stores nothing", async () => {
    const bad = async (body: string, type = "multipart/related; boundary=b") =>
      (
        await send(`${uploads()}?uploadType=multipart&name=k`, {
          method: "POST",
          body,
          headers: { "content-type": type },
        })
      ).status
    expect(await bad("--b\r\n\r\n{}\r\n--b\r\n\r\nmedia")).toBe(400)
    expect(await bad("--b\r\n\r\n{}\r\n--b--")).toBe(400)
    expect(await bad("--b\r\n\r\n{}\r\n--b\r\n\r\nmedia\r\n--b--", "multipart/related")).toBe(400)
    expect(await bad("--b\r\n\r\n{\r\n--b\r\n\r\nmedia\r\n--b--")).toBe(400)
    expect(await bad("")).toBe(400)
    expect((await send(`${objects()}/k`, { method: "GET" })).status).toBe(404)
    expect(await bad("--b\r\n\r\n{}\r\n--b\r\n\r\nmedia\r\n--b--")).toBe(200)
  })

  it("refuses damaged bytes by either checksum, in the metadata or in the header", async () => {
    const right = createHash("md5").update("bytes").digest("base64")
    for (const declared of [{ md5Hash: "1B2M2Y8AsgTpgAmY7PhCfg==" }, { crc32c: "AAAAAA==", md5Hash: right }]) {
      expect(errorOf(await multipart("name=k", declared, "bytes"))).toMatchObject({ code: 400, reason: "invalid" })
    }
    expect((await media("k", "bytes", { "x-goog-hash": "crc32c=AAAAAA==" })).status).toBe(400)
    expect((await send(`${objects()}/k`, { method: "GET" })).status).toBe(404)
    const { crc32c } = JSON.parse((await media("k", "bytes", { "x-goog-hash": `md5=${right}` })).text)
    expect((await multipart("name=k", { md5Hash: right, crc32c }, "bytes")).status).toBe(200)
  })
})

describe("downloads", () => {
  it("carry the headers of the service", async () => {
    await media("dir/k", "123456789", { "content-type": "text/plain" })
    for (const path of [objects(), `${server.endpoint}/download/storage/v1/b/test-bucket/o`]) {
      const whole = await send(`${path}/dir%2Fk?alt=media`, { method: "GET" })
      expect(whole.text).toBe("123456789")
      expect(whole.headers).toMatchObject({
        "content-type": "text/plain",
        "content-length": "9",
        "accept-ranges": "bytes",
        date: "Wed, 04 Mar 2026 05:06:07 GMT",
        "last-modified": "Wed, 04 Mar 2026 05:06:07 GMT",
        etag: expect.stringMatching(/^C.+EAE=$/),
        "x-goog-generation": expect.stringMatching(/^\d{16}$/),
        "x-goog-metageneration": "1",
        "x-goog-hash": "crc32c=4waSgw==,md5=JfnnlDI7RTiF9RgfG2JNCw==",
        "x-goog-stored-content-encoding": "identity",
        "x-goog-stored-content-length": "9",
        "x-goog-storage-class": "STANDARD",
      })
    }
    const head = await send(`${objects()}/dir%2Fk?alt=media`, { method: "HEAD" })
    expect([head.status, head.headers["content-length"], head.text]).toEqual([200, "9", ""])
  })

  it.each([
    ["bytes=0-0", 206, "bytes 0-0/10", "0"],
    ["bytes=3-", 206, "bytes 3-9/10", "3456789"],
    ["bytes=3-99", 206, "bytes 3-9/10", "3456789"],
    ["bytes=-4", 206, "bytes 6-9/10", "6789"],
    ["bytes=-99", 206, "bytes 0-9/10", "0123456789"],
    ["bytes=10-", 416, "bytes */10", "Request range not satisfiable"],
    ["bytes=-0", 416, "bytes */10", "Request range not satisfiable"],
    ["bytes=5-4", 200, undefined, "0123456789"],
    ["lines=1-2", 200, undefined, "0123456789"],
  ])("%s is %i", async (range, status, contentRange, text) => {
    await media("k", "0123456789")
    const answer = await send(`${objects()}/k?alt=media`, { method: "GET", headers: { range } })
    expect([answer.status, answer.headers["content-range"], answer.text]).toEqual([status, contentRange, text])
  })

  it("of nothing: whole is empty, any range is 416", async () => {
    await media("k", "")
    expect((await send(`${objects()}/k?alt=media`, { method: "GET" })).status).toBe(200)
    expect((await send(`${objects()}/k?alt=media`, { method: "GET", headers: { range: "bytes=0-" } })).status).toBe(416)
  })

  it("answer 304 to a condition that asks for change, 412 to one that asks for sameness", async () => {
    const { generation } = JSON.parse((await media("k", "x")).text)
    const get = async (query: string) => (await send(`${objects()}/k?${query}`, { method: "GET" })).status
    for (const alt of ["json", "media"]) {
      expect(await get(`alt=${alt}&ifGenerationNotMatch=${generation}`)).toBe(304)
      expect(await get(`alt=${alt}&ifMetagenerationNotMatch=1`)).toBe(304)
      expect(await get(`alt=${alt}&ifGenerationMatch=1`)).toBe(412)
      expect(await get(`alt=${alt}&ifMetagenerationMatch=2`)).toBe(412)
      expect(await get(`alt=${alt}&ifGenerationMatch=${generation}&ifMetagenerationMatch=1`)).toBe(200)
      expect(await get(`alt=${alt}&ifGenerationMatch=x`)).toBe(400)
      expect(await get(`alt=${alt}&generation=${generation}`)).toBe(200)
      expect(await get(`alt=${alt}&generation=1`)).toBe(404)
    }
  })
})

describe("the rest", () => {
  it("generations rise though the clock stands still, and times have milliseconds", async () => {
    const written = await Promise.all(
      Array.from({ length: 20 }, async (_, i) => JSON.parse((await media(`k${i % 3}`, "x")).text)),
    )
    const generations = written.map(({ generation }) => Number(generation))
    expect(new Set(generations).size).toBe(20)
    expect(written[0].timeCreated).toBe("2026-03-04T05:06:07.089Z")
  })

  it("a page token may be any, and a bad one is refused", async () => {
    await media("é".repeat(500), "x")
    await media("z", "x")
    const page = JSON.parse((await send(`${objects()}?maxResults=1`, { method: "GET" })).text)
    expect(page.items[0].name).toBe("z")
    const second = await send(`${objects()}?maxResults=1&pageToken=${encodeURIComponent(page.nextPageToken)}`, {
      method: "GET",
    })
    expect(JSON.parse(second.text)).toMatchObject({ items: [{ name: "é".repeat(500) }] })
    expect(JSON.parse(second.text).nextPageToken).toBeUndefined()
    expect((await send(`${objects()}?pageToken=nonsense`, { method: "GET" })).status).toBe(400)
    expect((await send(`${objects()}?maxResults=-1`, { method: "GET" })).status).toBe(400)
    expect(JSON.parse((await send(`${objects()}?prefix=none`, { method: "GET" })).text)).toEqual({
      kind: "storage#objects",
    })
  })

  it("wants the token if it is told to: 401 without one or with another", async () => {
    const guarded = await startGcsServer({ requireToken: "secret" })
    try {
      guarded.createBucket("test-bucket")
      const get = (headers: object) =>
        send(`${guarded.endpoint}/storage/v1/b/test-bucket/o/k`, { method: "GET", headers: { ...headers } })
      const none = await get({})
      expect(errorOf(none)).toMatchObject({
        code: 401,
        reason: "required",
        message: expect.stringContaining("Anonymous caller"),
      })
      expect(none.headers["www-authenticate"]).toContain("Bearer")
      expect(errorOf(await get({ authorization: "Bearer other" }))).toMatchObject({ code: 401, reason: "authError" })
      expect((await get({ authorization: "Bearer secret" })).status).toBe(404)
    } finally {
      await guarded.stop()
    }
  })

  it("says so where it does not do something, instead of doing something else", async () => {
    await media("k", "x")
    const status = async (method: string, url: string) => (await send(url, { method })).status
    expect(await status("GET", `${objects()}?versions=true`)).toBe(501)
    expect(await status("POST", `${objects()}/k/rewriteTo/b/test-bucket/o/copy`)).toBe(501)
    expect(await status("GET", `${server.endpoint}/storage/v1/b/test-bucket/iam`)).toBe(501)
    expect(await status("GET", `${server.endpoint}/elsewhere`)).toBe(404)
    expect(await status("GET", `${objects()}/%FF`)).toBe(400)
    expect(await status("POST", `${uploads()}?uploadType=other&name=k`)).toBe(400)
    expect(await status("POST", `${uploads()}?name=k`)).toBe(400)
  })

  it("refuses before it has read the body, and is heard", async () => {
    const missing = `${server.endpoint}/upload/storage/v1/b/no-such-bucket/o?uploadType=media&name=k`
    const refused = await send(missing, { method: "POST", body: Buffer.alloc(20_000_000) })
    expect(errorOf(refused)).toMatchObject({ code: 404, message: "The specified bucket does not exist." })
  })

  it("a reader that leaves in the middle harms nobody", async () => {
    await media("big", Buffer.alloc(20_000_000))
    const left = await new Promise<boolean>((resolve) => {
      const reader = request(`${objects()}/big?alt=media`, { agent: false }, (response) => {
        response.once("data", () => reader.destroy())
        response.once("close", () => resolve(!response.complete))
      })
      reader.on("error", () => {})
      reader.end()
    })
    expect(left).toBe(true)
    expect((await send(`${objects()}/big?alt=media`, { method: "GET" })).body).toHaveLength(20_000_000)
  })
})
