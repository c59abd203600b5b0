import { type CheckpointError, openObjects } from "@ckpt/core"
import { describe, expect, test } from "vitest"
import { clouds } from "./clouds/all.js"
import { ProxiedBucket } from "./clouds/proxied.js"

const bytes = (text: string) => new TextEncoder().encode(text)

describe.each(clouds.map((cloud) => ({ name: cloud.name, cloud })))("objects on the wire, $name", ({ cloud }) => {
  test("each call makes the requests that docs/objects.md tells", async () => {
    await using at = await ProxiedBucket.create(cloud)
    await using backend = cloud.openBackend({ endpoint: at.proxy.endpoint, bucket: at.bucket })
    await using objects = openObjects(backend, { prefix: "place" })
    const { version } = await objects.create("t/1", bytes("1"))
    const counts = async (call: () => Promise<unknown>) => {
      at.proxy.resetCounts()
      await call()
      return at.counts()
    }
    expect(await counts(() => objects.create("t/2", bytes("2")))).toEqual({ put: 1 })
    // The adapter of Azure looks whether a refusal comes from a blob, or from the blocks of an upload that broke off.
    const taken = { put: 1, get: 1, ...(cloud.name === "azure" && { head: 1 }) }
    expect(await counts(() => objects.create("t/2", bytes("2")))).toEqual(taken)
    expect(await counts(() => objects.replace("t/1", bytes("anew"), { version }))).toEqual({ put: 1 })
    expect(await counts(() => objects.read("t/1"))).toEqual({ get: 1 })
    // A HEAD, or on GCS the description of the object.
    expect(Object.values(await counts(() => objects.head("t/1")))).toEqual([1])
    await objects.create("t/3", bytes("3"))
    for (const range of [{}, { limit: 1 }, { prefix: "t/", limit: 2 }, { prefix: "none/" }])
      expect(await counts(() => objects.list(range))).toEqual({ list: 1 })
    // The emulator of Azure knows no start, and shows what lies before it.
    const pages = cloud.name === "azure" ? 2 : 1
    expect(await counts(() => objects.list({ after: "t/2", limit: 1 }))).toEqual({ list: pages })
    const removed = await counts(() => objects.remove(["t/1", "t/2", "t/3", "none"]))
    expect(removed).toEqual({ delete: cloud.name === "gcs" ? 4 : 1 })
  })
  test("a text that no object has as its version replaces nothing", async () => {
    await using at = await ProxiedBucket.create(cloud)
    await using backend = cloud.openBackend({ endpoint: at.proxy.endpoint, bucket: at.bucket })
    await using objects = openObjects(backend)
    const { version } = await objects.create("k", bytes("first"))
    const tag = version.replaceAll('"', "")
    const lists = [`"${tag}", "x"`, `${tag}", "x`, `x", "${tag}`, `${tag},x`, `${tag} `]
    for (const odd of ["*", '"*"', "0", "00", "-1", "9".repeat(40), "é", "日本", "a\r\nb: c", "\0", ...lists]) {
      const codeOf = async (key: string) =>
        objects.replace(key, bytes("other"), { version: odd }).catch(({ code }: CheckpointError) => code)
      expect([odd, await codeOf("k"), await codeOf("none")]).toEqual([odd, "CKPT_CONFLICT", "CKPT_NOT_FOUND"])
    }
    expect(Buffer.from((await objects.read("k"))?.bytes ?? []).toString()).toBe("first")
    expect((await objects.list()).map(({ key }) => key)).toEqual(["k"])
  })
})
