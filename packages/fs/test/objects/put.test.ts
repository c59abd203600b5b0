import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { FsBackend } from "../../src/backend.js"
import { openFsStore } from "../../src/index.js"
import {
  body,
  bytes,
  checkpoint,
  folderOf,
  isTemporary,
  keys,
  manifestOf,
  pointerKey,
  read,
  rejection,
  stateOf,
  stream,
  textAt,
  tree,
} from "../backend/support.js"
import { temporaryFolder } from "../folder.js"

describe("put", () => {
  test("stores arrays, streams, empty bodies, and a version that get and list repeat", async () => {
    const backend = new FsBackend(await temporaryFolder())
    const metas = [
      await backend.put("a/array", [bytes("one"), bytes(""), bytes("two")]),
      await backend.put("a/empty", []),
      await backend.put("a/stream", stream("one", "", "two"), { when: "absent" }),
    ]
    expect(await textAt(backend, "a/array")).toBe("onetwo")
    expect(await textAt(backend, "a/stream")).toBe("onetwo")
    expect(await textAt(backend, "a/empty")).toBe("")
    for (const meta of metas) {
      expect(await backend.head(meta.key)).toEqual(meta)
      const content = await backend.get(meta.key)
      expect(content?.meta).toEqual(meta)
      await read(content)
      for await (const shown of backend.list(meta.key)) expect(shown).toEqual(meta)
    }
  })

  test("of a state whose producer uses one buffer for every chunk stores what was yielded", async () => {
    const root = await temporaryFolder()
    const reused = async function* () {
      const buffer = new Uint8Array(70_000)
      for (let value = 0; value < 60; value++) yield buffer.fill(value)
    }
    const store = await openFsStore(root)
    await store.writeState(1, reused())
    await store.close()
    const stored = await readFile(join(root, stateOf(1)))
    expect(stored.equals(Buffer.concat(Array.from({ length: 60 }, (_, value) => Buffer.alloc(70_000, value))))).toBe(
      true,
    )
  })

  test("absent: 32 racing creators in two backends, one winner, whole", async () => {
    const root = await temporaryFolder()
    const backends = [new FsBackend(root), new FsBackend(root)]
    const results = await Promise.allSettled(
      Array.from({ length: 32 }, (_, n) =>
        backends[n % 2]!.put("a/b/c", stream(`${n}:`, "x".repeat(100_000)), { when: "absent" }),
      ),
    )
    const winners = results.flatMap(({ status }, n) => (status === "fulfilled" ? [n] : []))
    expect(winners).toHaveLength(1)
    for (const result of results)
      if (result.status === "rejected") expect(result.reason).toMatchObject({ kind: "precondition" })
    expect(await textAt(backends[0]!, "a/b/c")).toBe(`${winners[0]}:${"x".repeat(100_000)}`)
    expect((await tree(root)).filter(isTemporary)).toEqual([])
  })

  test("{ version }: five writers add ten each, and it adds up to fifty", async () => {
    const root = await temporaryFolder()
    await new FsBackend(root).put("a/counter", body("00"))
    await Promise.all(
      Array.from({ length: 5 }, async () => {
        const backend = new FsBackend(root)
        for (let added = 0; added < 10; ) {
          const current = await backend.get("a/counter")
          let text = ""
          for await (const chunk of current!.body) text += Buffer.from(chunk).toString()
          try {
            await backend.put("a/counter", body(String(Number(text) + 1).padStart(2, "0")), {
              when: { version: current!.meta.version },
            })
            added++
          } catch (error) {
            expect(error).toMatchObject({ kind: "precondition" })
          }
        }
      }),
    )
    expect(await textAt(new FsBackend(root), "a/counter")).toBe("50")
    expect((await tree(root)).filter(isTemporary)).toEqual([])
  })

  test("a version never repeats, though the inode and the size do", async () => {
    const backend = new FsBackend(await temporaryFolder())
    const versions = new Set<string>()
    for (let n = 0; n < 500; n++) versions.add((await backend.put("a/b", body(String(n).padStart(3, "0")))).version)
    expect(versions.size).toBe(500)
    expect(new Set([...versions].map((version) => version.split("-")[0])).size).toBeLessThan(500)
  })

  test("{ version } of something that is not there creates nothing, not even folders", async () => {
    const root = `${await temporaryFolder()}/store`
    const backend = new FsBackend(root)
    expect((await rejection(backend.put("a/b/c", body("x"), { when: { version: "1" } }))).kind).toBe("precondition")
    await expect(readdir(root)).rejects.toMatchObject({ code: "ENOENT" })
  })

  test("a failing body rejects with its own error, even one that looks like the system's", async () => {
    const root = await temporaryFolder()
    const backend = new FsBackend(root)
    const own = Object.assign(new Error("disk of the source"), { code: "EIO", syscall: "read" })
    const failing = async function* () {
      yield bytes("part")
      throw own
    }
    await expect(backend.put("a/b", failing())).rejects.toBe(own)
    await expect(backend.put("a/b", failing(), { when: "absent" })).rejects.toBe(own)
    const batch = checkpoint(1)
    await expect(
      backend.commit({ ...batch, create: [batch.create[0]!, { key: manifestOf(1), body: failing }] }),
    ).rejects.toBe(own)
    await expect(
      backend.commit({
        ...batch,
        create: [
          {
            key: manifestOf(1),
            body: () => {
              throw own
            },
          },
        ],
      }),
    ).rejects.toBe(own)
    await expect(
      backend.commit({
        ...batch,
        pointer: {
          key: pointerKey,
          decide: () => {
            throw own
          },
        },
      }),
    ).rejects.toBe(own)
    expect(await tree(root)).toEqual(["a/", "checkpoints/"])
  })

  test("a chunk that is not bytes is refused", async () => {
    const backend = new FsBackend(await temporaryFolder())
    for (const wrong of [["text"], stream(5 as never), [new Float64Array(2)]]) {
      expect((await rejection(backend.put("a/b", wrong as never))).kind).toBe("permanent")
    }
    expect(await backend.head("a/b")).toBeUndefined()
  })

  test("400 saves at once, of ids in any order: all succeed, the pointer ends at the highest", async () => {
    const root = `${await temporaryFolder()}/deep/store`
    const backend = new FsBackend(root)
    const ids = Array.from({ length: 400 }, (_, n) => ((n * 37) % 400) + 1)
    await Promise.all(ids.map((id) => backend.commit(checkpoint(id))))
    expect(await textAt(backend, pointerKey)).toBe(folderOf(400))
    expect(await keys(backend, "checkpoints/")).toHaveLength(801)
    expect((await tree(root)).filter(isTemporary)).toEqual([])
  })
})
