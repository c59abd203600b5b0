import { afterEach, describe, expect, it } from "vitest"
import { type GcsServer, startGcsServer } from "../src/index.js"
import { clients, openBucket, stopAll } from "./support/clients.js"

const servers: GcsServer[] = []
afterEach(() => stopAll(servers))

async function start(): Promise<GcsServer> {
  const server = await startGcsServer()
  servers.push(server)
  return server
}

const simple = { resumable: false }

describe.each(clients)("listing by version $major of the client", ({ Client }) => {
  it("pages by itself and by hand", async () => {
    const bucket = await openBucket(Client, (await start()).endpoint)
    const names = Array.from({ length: 25 }, (_, i) => `p/${String(i).padStart(3, "0")}`)
    await Promise.all([...names, "q"].map((name) => bucket.file(name).save("x", simple)))
    const [all] = await bucket.getFiles({ prefix: "p/" })
    expect(all.map(({ name }) => name)).toEqual(names)
    expect(all[0]!.metadata).toMatchObject({ size: "1", generation: expect.stringMatching(/^\d{16}$/) })
    const seen: string[] = []
    let query: object | null = { prefix: "p/", maxResults: 10, autoPaginate: false }
    let pages = 0
    while (query !== null) {
      const [files, next] = (await bucket.getFiles(query)) as unknown as [{ name: string }[], object | null]
      seen.push(...files.map(({ name }) => name))
      pages++
      // An object that is deleted between two pages does not shift the rest.
      await bucket.file(files.at(-1)!.name).delete()
      query = next ?? null
    }
    expect(seen).toEqual(names)
    expect(pages).toBe(3)
  })

  it("puts names in the order of their UTF-8 bytes", async () => {
    const bucket = await openBucket(Client, (await start()).endpoint)
    const names = ["a", "a/b", "a0", "Z", "é", "～", "😀", "a\u0001", "￿", "𐀀"]
    await Promise.all(names.map((name) => bucket.file(name).save("x", simple)))
    const [files] = await bucket.getFiles()
    const ordered = [...names].sort((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)))
    expect(files.map(({ name }) => name)).toEqual(ordered)
  })

  it("prefix is text, startOffset inclusive, endOffset exclusive, a delimiter groups", async () => {
    const bucket = await openBucket(Client, (await start()).endpoint)
    const names = ["a/1", "a/2", "a/b/1", "a/b/2", "a/c/1", "ab/1", "b"]
    await Promise.all(names.map((name) => bucket.file(name).save("x", simple)))
    const list = async (query: object) => (await bucket.getFiles(query))[0].map(({ name }) => name)
    expect(await list({ prefix: "a" })).toEqual(names.slice(0, 6))
    expect(await list({ startOffset: "a/2", endOffset: "ab/1" })).toEqual(names.slice(1, 5))
    expect(await list({ prefix: "a/b", startOffset: "a/b/2" })).toEqual(["a/b/2"])
    expect(await list({ prefix: "nothing" })).toEqual([])
    const grouped = { prefix: "a/", delimiter: "/", autoPaginate: false, maxResults: 1 }
    const found: string[] = []
    for (let query: object | null = grouped; query !== null; ) {
      const [files, next, page] = (await bucket.getFiles(query)) as unknown as [
        { name: string }[],
        object | null,
        { prefixes?: string[] },
      ]
      found.push(...files.map(({ name }) => name), ...(page.prefixes ?? []))
      query = next
    }
    expect(found).toEqual(["a/1", "a/2", "a/b/", "a/c/"])
  })

  it("gives no more than 1000 names a page, and a mask without nextPageToken gets no further", async () => {
    const bucket = await openBucket(Client, (await start()).endpoint)
    for (let from = 0; from < 1001; from += 143) {
      await Promise.all(Array.from({ length: 143 }, (_, i) => bucket.file(`k${from + i}`).save("", simple)))
    }
    const page = async (query: object) => (await bucket.getFiles({ autoPaginate: false, ...query }))[0]
    expect(await page({ maxResults: 5000 })).toHaveLength(1000)
    expect((await bucket.getFiles())[0]).toHaveLength(1001)
    expect((await bucket.getFiles({ fields: "items(name)" }))[0]).toHaveLength(1000)
    const [files] = await bucket.getFiles({ fields: "nextPageToken,items(name,size)" })
    expect(files).toHaveLength(1001)
    expect(files[0]).toEqual({ name: "k0", size: "0" })
  })
})
