import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises"
import type { CommitBatch } from "@ckpt/core"
import { BackendError } from "@ckpt/core"
import { describe, expect, test } from "vitest"
import { FsBackend } from "../../src/backend.js"
import {
  body,
  bytes,
  checkpoint,
  folderOf,
  idIn,
  isTemporary,
  keys,
  manifestOf,
  pointerKey,
  read,
  rejection,
  stateOf,
  stream,
  temporaryFolder,
  textAt,
  tree,
} from "./support.js"
import { watchFiles } from "./watched-files.js"

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

  test("of a stream whose producer uses one buffer for every chunk stores what was yielded", async () => {
    const backend = new FsBackend(await temporaryFolder())
    const reused = async function* () {
      const buffer = new Uint8Array(70_000)
      for (let value = 0; value < 60; value++) yield buffer.fill(value)
    }
    await backend.put("a/b", reused())
    const stored = Buffer.from((await textAt(backend, "a/b")) ?? "")
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

describe("commit", () => {
  test("answers unsupported to another shape, without touching a body or the disk", async () => {
    const root = `${await temporaryFolder()}/store`
    const backend = new FsBackend(root)
    const untouched = () => expect.fail("touched")
    const create = (...names: string[]) => names.map((key) => ({ key, body: untouched }))
    const pointer = (key: string) => ({ key, decide: untouched })
    const batches: CommitBatch[] = [
      { create: [] },
      { create: create("top") },
      { create: create("folder/file") },
      { create: create("a/b/c", "a/x/d") },
      { create: create("a/b/c", "a/b/d/e") },
      { create: create("a/b/c", "a/b/c") },
      { create: create("a/b/c"), pointer: pointer("latest") },
      { create: create("a/b/c"), pointer: pointer("a/b/latest") },
      { create: create("a/b/c"), pointer: pointer("x/latest") },
      { create: create("a/b/c"), pointer: pointer("a/b") },
    ]
    for (const batch of batches) expect(await backend.commit(batch)).toBe("unsupported")
    await expect(readdir(root)).rejects.toMatchObject({ code: "ENOENT" })
  })

  test.each([
    ["a file", (path: string) => writeFile(path, "x")],
    ["an empty directory", (path: string) => mkdir(path)],
    ["a symbolic link", (path: string) => symlink("/nowhere", path)],
  ])("answers unsupported where %s has the name", async (_, make) => {
    const root = await temporaryFolder()
    await mkdir(`${root}/checkpoints`)
    await make(`${root}/checkpoints/${folderOf(1)}`)
    const before = await tree(root)
    expect(
      await new FsBackend(root).commit({ create: [{ key: manifestOf(1), body: () => expect.fail("touched") }] }),
    ).toBe("unsupported")
    expect(await tree(root)).toEqual(before)
  })

  test("takes bodies in order, a function after the bodies before it", async () => {
    const order: string[] = []
    const backend = new FsBackend(await temporaryFolder())
    const noted = async function* (name: string) {
      order.push(`${name} begins`)
      yield bytes(name)
      order.push(`${name} ends`)
    }
    const metas = await backend.commit({
      create: [
        { key: stateOf(1), body: noted("state") },
        {
          key: manifestOf(1),
          body: () => {
            order.push("manifest asked for")
            return noted("manifest")
          },
        },
      ],
    })
    expect(order).toEqual(["state begins", "state ends", "manifest asked for", "manifest begins", "manifest ends"])
    expect(metas).toEqual([await backend.head(stateOf(1)), await backend.head(manifestOf(1))])
  })

  test("of one id by racing writers: one winner, its own state beside its own manifest", async () => {
    const root = await temporaryFolder()
    const results = await Promise.allSettled(
      Array.from({ length: 16 }, (_, n) =>
        new FsBackend(root).commit(checkpoint(1, { state: `by ${n}`, manifest: `by ${n}` })),
      ),
    )
    const won = results.filter((result) => result.status === "fulfilled" && result.value !== "unsupported")
    expect(won).toHaveLength(1)
    for (const result of results)
      if (result.status === "rejected") expect(result.reason).toMatchObject({ kind: "precondition" })
    const backend = new FsBackend(root)
    expect(await textAt(backend, stateOf(1))).toBe(await textAt(backend, manifestOf(1)))
    expect((await tree(root)).filter(isTemporary)).toEqual([])
  })

  test.each([
    [
      "a directory with content",
      async (path: string) => {
        await mkdir(path)
        await writeFile(`${path}/x`, "x")
      },
    ],
    ["a file", (path: string) => writeFile(path, "x")],
    ["a symbolic link", (path: string) => symlink("/nowhere", path)],
  ])("is refused where %s takes the name meanwhile, the pointer untouched", async (_, make) => {
    const root = await temporaryFolder()
    const backend = new FsBackend(root)
    await backend.commit(checkpoint(1))
    const batch = checkpoint(2)
    const late = async function* () {
      await make(`${root}/checkpoints/${folderOf(2)}`)
      yield bytes("m")
    }
    const error = await rejection(
      backend.commit({ ...batch, create: [batch.create[0]!, { key: manifestOf(2), body: late }] }),
    )
    expect(error.kind).toBe("precondition")
    expect(await textAt(backend, pointerKey)).toBe(folderOf(1))
    expect((await tree(root)).filter(isTemporary)).toEqual([])
  })

  test("decides again under the lock: another save moved the pointer, on or back", async () => {
    for (const [other, expected] of [
      [9, folderOf(9)],
      [3, "2 after 3"],
      [0, "2 after 0"],
    ] as const) {
      const root = await temporaryFolder()
      const backend = new FsBackend(root)
      await backend.put(pointerKey, body(folderOf(1)))
      let decisions = 0
      let moving: Promise<unknown> | undefined
      // The other save has ended before this one comes to the lock.
      const files = watchFiles({ before: ({ name }) => (name === "sync" ? moving : undefined) })
      await new FsBackend(root, { files }).commit({
        create: [{ key: manifestOf(2), body: body("m") }],
        pointer: {
          key: pointerKey,
          decide: (current) => {
            const id = idIn(current?.bytes)
            // Between the first decision and the lock.
            if (decisions++ === 0) moving = backend.put(pointerKey, body(other === 0 ? "" : folderOf(other)))
            return id > 5 ? undefined : bytes(`2 after ${id}`)
          },
        },
      })
      expect(await textAt(backend, pointerKey)).toBe(expected)
      expect(decisions).toBe(2)
      expect((await tree(root)).filter(isTemporary)).toEqual([])
    }
  })

  test.each([
    [
      "a symbolic link",
      async (root: string, path: string) => {
        await writeFile(`${root}/elsewhere`, folderOf(8))
        await symlink(`${root}/elsewhere`, path)
      },
    ],
    ["a dangling link", (_: string, path: string) => symlink("/nowhere/at/all", path)],
    ["two megabytes", (_: string, path: string) => writeFile(path, Buffer.alloc(2 << 20, "x"))],
    ["garbage", (_: string, path: string) => writeFile(path, Buffer.from([0xff, 0xfe, 0]))],
  ])("replaces a pointer that is %s, and nothing behind it", async (_, make) => {
    const root = await temporaryFolder()
    await mkdir(`${root}/checkpoints`)
    await make(root, `${root}/${pointerKey}`)
    const backend = new FsBackend(root)
    await backend.commit(checkpoint(1))
    expect(await textAt(backend, pointerKey)).toBe(folderOf(1))
    if ((await readdir(root)).includes("elsewhere"))
      expect(await readFile(`${root}/elsewhere`, "utf8")).toBe(folderOf(8))
  })

  test("a directory in the pointer's place is left to core, and refused by put", async () => {
    const root = await temporaryFolder()
    await mkdir(`${root}/${pointerKey}`, { recursive: true })
    const backend = new FsBackend(root)
    expect(await backend.commit(checkpoint(1))).toBe("unsupported")
    const error = await rejection(backend.put(pointerKey, body("x")))
    expect(error).toMatchObject({ kind: "damaged" })
    expect(error).toBeInstanceOf(BackendError)
    expect((await tree(root)).filter(isTemporary)).toEqual([])
  })
})
