import { randomBytes } from "node:crypto"
import { afterEach, describe, expect, it } from "vitest"
import { type GcsServer, startGcsServer } from "../src/index.js"
import { bucketAt, clients, openBucket, stopAll } from "./support/clients.js"
import { startRelay } from "./support/relay.js"

const KiB = 1024
const MiB = 1024 * KiB
const servers: GcsServer[] = []
afterEach(() => stopAll(servers))

async function start(): Promise<GcsServer> {
  const server = await startGcsServer()
  servers.push(server)
  return server
}

describe.each(clients)("uploads by version $major of the client", ({ Client }) => {
  it.each([
    { what: "nothing", bytes: Buffer.alloc(0) },
    { what: "one byte", bytes: Buffer.from("x") },
    { what: "a quantum", bytes: randomBytes(256 * KiB) },
    { what: "3 MiB and a bit", bytes: randomBytes(3 * MiB + 17) },
  ])("saves $what in one resumable request, in a simple one and in chunks", async ({ bytes }) => {
    const bucket = await openBucket(Client, (await start()).endpoint)
    for (const [name, options] of Object.entries({
      resumable: {},
      simple: { resumable: false },
      chunked: { resumable: true, chunkSize: MiB },
      md5: { validation: "md5" as const },
    })) {
      const file = bucket.file(`dir/${name}`)
      await file.save(bytes, options)
      const [metadata] = await file.getMetadata()
      expect(metadata).toMatchObject({ name: `dir/${name}`, size: String(bytes.length), metageneration: "1" })
      const [back] = await file.download()
      expect(back.equals(bytes)).toBe(true)
    }
  })

  it("keeps the content type and the user's own metadata, also with a resumable upload", async () => {
    const bucket = await openBucket(Client, (await start()).endpoint)
    for (const resumable of [true, false]) {
      const file = bucket.file(`f${resumable}`)
      const metadata = { contentType: "text/x-test", cacheControl: "no-transform", metadata: { writer: "é1" } }
      await file.save("text", { resumable, metadata })
      const [stored] = await file.getMetadata()
      expect(stored).toMatchObject(metadata)
    }
  })

  it("refuses what arrives damaged: a checksum given beforehand does not fit", async () => {
    const bucket = await openBucket(Client, (await start()).endpoint)
    for (const resumable of [true, false]) {
      const file = bucket.file("damaged")
      const saved = file.save("bytes", { resumable, metadata: { md5Hash: "1B2M2Y8AsgTpgAmY7PhCfg==" } })
      await expect(saved).rejects.toMatchObject({
        message: expect.stringContaining("doesn't match calculated MD5 hash"),
      })
      expect(await file.exists()).toEqual([false])
    }
  })

  it("goes on after a cut in the middle of a chunk, from the whole quanta that arrived", async () => {
    const server = await start()
    await openBucket(Client, server.endpoint)
    // The second chunk is cut after 600 KiB and some headers: two quanta of it stay.
    const relay = await startRelay(server.endpoint, MiB + 600 * KiB)
    const bytes = randomBytes(3 * MiB + 17)
    const file = bucketAt(Client, relay.endpoint).file("chunked")
    const written = new Promise<void>((resolve, reject) => {
      const stream = file.createWriteStream({ chunkSize: MiB, preconditionOpts: { ifGenerationMatch: 0 } })
      stream.on("finish", resolve).on("error", reject)
      for (let offset = 0; offset < bytes.length; offset += 100_000)
        stream.write(bytes.subarray(offset, offset + 100_000))
      stream.end()
    })
    await written
    expect(relay.ranges[1]).toBe(`bytes ${MiB}-${2 * MiB - 1}/*`)
    expect(relay.ranges[2]).toBe("bytes */*")
    expect(relay.ranges[3]).toMatch(new RegExp(`^bytes ${MiB + 512 * KiB}-`))
    const [back] = await bucketAt(Client, server.endpoint).file("chunked").download()
    expect(back.equals(bytes)).toBe(true)
    await relay.stop()
  })

  it("goes on after a cut in a single-shot upload", async () => {
    const server = await start()
    await openBucket(Client, server.endpoint)
    const relay = await startRelay(server.endpoint, 700 * KiB)
    const bytes = randomBytes(2 * MiB + 1)
    await bucketAt(Client, relay.endpoint)
      .file("single")
      .save(bytes, { preconditionOpts: { ifGenerationMatch: 0 } })
    expect(relay.ranges.slice(0, 3)).toEqual(["bytes 0-*/*", "bytes */*", `bytes ${512 * KiB}-*/*`])
    const [back] = await bucketAt(Client, server.endpoint).file("single").download()
    expect(back.equals(bytes)).toBe(true)
    await relay.stop()
  })
})
