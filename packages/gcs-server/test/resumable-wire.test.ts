import { createHash, randomBytes } from "node:crypto"
import { once } from "node:events"
import { request } from "node:http"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { type GcsServer, startGcsServer } from "../src/index.js"
import { errorOf, type RawResponse, send, sendCut } from "./support/raw.js"

const KiB = 1024
const quantum = 256 * KiB

let server: GcsServer
let clock = Date.UTC(2026, 0, 1)
beforeEach(async () => {
  server = await startGcsServer({ now: () => clock })
  server.createBucket("test-bucket")
})
afterEach(() => server.stop())

const objects = () => `${server.endpoint}/storage/v1/b/test-bucket/o`
const uploads = () => `${server.endpoint}/upload/storage/v1/b/test-bucket/o`

async function open(query = "name=key", body = "{}", headers = {}): Promise<string> {
  const started = await send(`${uploads()}?uploadType=resumable&${query}`, { method: "POST", body, headers })
  expect(started.status).toBe(200)
  expect(started.headers.location).toMatch(new RegExp(`^${uploads()}\\?.*upload_id=`))
  return started.headers.location!
}

function put(url: string, range: string | undefined, body: Buffer | string = "", headers = {}): Promise<RawResponse> {
  return send(url, {
    method: "PUT",
    body,
    headers: { ...(range === undefined ? {} : { "content-range": range }), ...headers },
  })
}

const stored = (name = "key") => send(`${objects()}/${name}?alt=media`, { method: "GET" })

describe("a resumable session", () => {
  it("answers the state before, during and after, and 200 with the same object once it is finished", async () => {
    const url = await open()
    const bytes = randomBytes(2 * quantum + 5)
    const untouched = await put(url, "bytes */*")
    expect([untouched.status, untouched.headers.range]).toEqual([308, undefined])
    const chunk = await put(url, `bytes 0-${quantum - 1}/*`, bytes.subarray(0, quantum))
    expect([chunk.status, chunk.headers.range]).toEqual([308, `bytes=0-${quantum - 1}`])
    expect((await put(url, "bytes */*")).headers.range).toBe(`bytes=0-${quantum - 1}`)
    expect((await stored()).status).toBe(404)
    const last = await put(url, `bytes ${quantum}-${bytes.length - 1}/${bytes.length}`, bytes.subarray(quantum))
    expect(last.status).toBe(200)
    expect((await stored()).body.equals(bytes)).toBe(true)
    for (const range of [
      "bytes */*",
      `bytes */${bytes.length}`,
      `bytes ${quantum}-${bytes.length - 1}/${bytes.length}`,
    ]) {
      const again = await put(url, range)
      expect([again.status, again.text]).toEqual([200, last.text])
    }
    const metadata = JSON.parse(last.text)
    expect(metadata).toMatchObject({
      size: String(bytes.length),
      md5Hash: createHash("md5").update(bytes).digest("base64"),
    })
  })

  it("answers a finished session with its own object, though another was written since, or it was deleted", async () => {
    const url = await open()
    const done = await put(url, "bytes 0-*/*", "mine")
    await send(`${uploads()}?uploadType=media&name=key`, { method: "POST", body: "another" })
    expect((await put(url, "bytes */*")).text).toBe(done.text)
    await send(`${objects()}/key`, { method: "DELETE" })
    expect((await put(url, "bytes */*")).text).toBe(done.text)
    expect((await stored()).status).toBe(404)
  })

  it("keeps whole quanta only, and skips what it has when it is sent again", async () => {
    const url = await open()
    const bytes = randomBytes(3 * quantum)
    const odd = await put(url, `bytes 0-${quantum + 99}/*`, bytes.subarray(0, quantum + 100))
    expect([odd.status, odd.headers.range]).toEqual([308, `bytes=0-${quantum - 1}`])
    const small = await put(url, `bytes ${quantum}-${quantum + 9}/*`, bytes.subarray(quantum, quantum + 10))
    expect(small.headers.range).toBe(`bytes=0-${quantum - 1}`)
    const overlapping = await put(url, `bytes 100-${2 * quantum - 1}/${bytes.length}`, bytes.subarray(100, 2 * quantum))
    expect(overlapping.headers.range).toBe(`bytes=0-${2 * quantum - 1}`)
    const whole = await put(url, `bytes 0-${bytes.length - 1}/${bytes.length}`, bytes)
    expect(whole.status).toBe(200)
    expect((await stored()).body.equals(bytes)).toBe(true)
  })

  it.each(["bytes 0-*/*", `bytes 0-${4 * quantum - 1}/*`])(
    "keeps whole quanta of a connection cut in %s",
    async (range) => {
      const url = await open()
      const bytes = randomBytes(4 * quantum)
      await sendCut(
        url,
        { "content-range": range, "content-length": bytes.length },
        bytes.subarray(0, 2 * quantum + 1000),
      )
      expect((await put(url, "bytes */*")).headers.range).toBe(`bytes=0-${2 * quantum - 1}`)
      expect((await stored()).status).toBe(404)
      const rest = await put(url, `bytes ${2 * quantum}-*/*`, bytes.subarray(2 * quantum))
      expect(rest.status).toBe(200)
      expect((await stored()).body.equals(bytes)).toBe(true)
    },
  )

  it("is finished by `bytes */total`, when all of it is there", async () => {
    const url = await open()
    const bytes = randomBytes(quantum)
    await put(url, `bytes 0-${quantum - 1}/*`, bytes)
    expect((await put(url, `bytes */${quantum + 1}`)).status).toBe(308)
    expect((await put(url, `bytes */${quantum}`)).status).toBe(200)
    expect((await stored()).body.equals(bytes)).toBe(true)
    const empty = await open("name=empty")
    expect((await put(empty, "bytes */0")).status).toBe(200)
    expect((await stored("empty")).body).toHaveLength(0)
  })

  it("takes the whole object in one PUT without a Content-Range, and `bytes 0--1/0` for nothing", async () => {
    expect((await put(await open(), undefined, "whole")).status).toBe(200)
    expect((await stored()).text).toBe("whole")
    expect((await put(await open("name=empty"), "bytes 0--1/0")).status).toBe(200)
  })

  it("refuses an offset beyond what it has, a body that does not fit its range, and ranges that make no sense", async () => {
    const url = await open()
    const bytes = randomBytes(quantum)
    const beyond = await put(url, `bytes ${quantum}-${2 * quantum - 1}/*`, bytes)
    expect(errorOf(beyond).message).toContain(
      `the upload offset is ${quantum} byte(s), which exceeds already uploaded size of 0`,
    )
    expect((await put(url, "bytes 0-9/10", "12345678901")).status).toBe(400)
    const chunked = { "transfer-encoding": "chunked" }
    expect((await put(url, "bytes 0-9/10", "12345678901", chunked)).status).toBe(400)
    expect((await put(url, "bytes 0-9/10", "123456789", chunked)).status).toBe(400)
    for (const range of ["bytes 5-4/10", "bytes 0-10/10", "0-9/10", "bytes a-b/c", "bytes 0-9"]) {
      expect([range, (await put(url, range, "1234567890")).status]).toEqual([range, 400])
    }
    expect((await put(url, "bytes */*")).headers.range).toBeUndefined()
    expect((await put(url, "bytes 0-9/10", "1234567890")).status).toBe(200)
    expect((await stored()).text).toBe("1234567890")
  })

  it("holds the declared length and checksums against what arrived, and stores nothing of a damaged upload", async () => {
    const md5 = (text: string) => createHash("md5").update(text).digest("base64")
    const byLength = await open("name=key", "{}", { "x-upload-content-length": "5" })
    expect((await put(byLength, "bytes 0-*/*", "123456")).status).toBe(400)
    const byMetadata = await open("name=key", JSON.stringify({ md5Hash: md5("right") }))
    expect((await put(byMetadata, "bytes 0-*/*", "wrong")).status).toBe(400)
    const byHeader = await open()
    const wrong = await put(byHeader, "bytes 0-*/*", "wrong", { "x-goog-hash": `crc32c=AAAAAA==,md5=${md5("wrong")}` })
    expect(errorOf(wrong)).toMatchObject({ code: 400, reason: "invalid", message: expect.stringContaining("CRC32C") })
    for (const url of [byLength, byMetadata, byHeader]) expect((await put(url, "bytes */*")).status).toBe(400)
    expect((await stored()).status).toBe(404)
    const right = await open("name=key", JSON.stringify({ md5Hash: md5("right") }))
    expect((await put(right, "bytes 0-*/*", "right", { "x-goog-hash": `md5=${md5("right")}` })).status).toBe(200)
  })

  it("of 32 sessions for one new name, opened before any was finished, one wins", async () => {
    const urls = await Promise.all(Array.from({ length: 32 }, () => open("name=key&ifGenerationMatch=0")))
    const results = await Promise.all(urls.map((url, i) => put(url, "bytes 0-*/*", `writer ${i}`)))
    expect(results.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(results.filter(({ status }) => status === 412)).toHaveLength(31)
    expect((await stored()).text).toBe(`writer ${results.findIndex(({ status }) => status === 200)}`)
    const late = await send(`${uploads()}?uploadType=resumable&name=key&ifGenerationMatch=0`, { method: "POST" })
    expect(errorOf(late)).toMatchObject({ code: 412, reason: "conditionNotMet" })
  })

  it("can be cancelled with 499, is unknown with 404, and is gone after a week", async () => {
    const url = await open()
    await put(url, `bytes 0-${quantum - 1}/*`, randomBytes(quantum))
    expect((await send(url, { method: "DELETE" })).status).toBe(499)
    expect((await put(url, "bytes */*")).status).toBe(410)
    expect((await put(`${uploads()}?uploadType=resumable&upload_id=none`, "bytes */*")).status).toBe(404)
    expect((await send(`${uploads()}?upload_id=none`, { method: "DELETE" })).status).toBe(404)
    const old = await open()
    clock += 7 * 24 * 3600 * 1000 + 1
    expect((await put(old, "bytes */*")).status).toBe(410)
  })

  it("belongs to its latest request: one that hangs in its body gets no further", async () => {
    const url = await open()
    const bytes = randomBytes(2 * quantum)
    const headers = { "content-range": "bytes 0-*/*", "content-length": bytes.length, expect: "100-continue" }
    const hanging = request(url, { method: "PUT", agent: false, headers })
    const cut = new Promise<void>((resolve) => hanging.on("close", () => resolve()).on("error", () => {}))
    hanging.flushHeaders()
    await once(hanging, "continue")
    hanging.write(bytes.subarray(0, quantum))
    expect((await put(url, `bytes 0-${bytes.length - 1}/${bytes.length}`, bytes)).status).toBe(200)
    hanging.end(Buffer.alloc(quantum))
    await cut
    expect((await stored()).body.equals(bytes)).toBe(true)
  })
})
