import { lstat, mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises"
import type { CommitBatch } from "@ckpt/core"
import { BackendError } from "@ckpt/core"
import { describe, expect, test } from "vitest"
import { FsBackend } from "../../src/backend.js"
import {
  body,
  bytes,
  checkpoint,
  device,
  fifo,
  folderOf,
  idIn,
  isTemporary,
  manifestOf,
  pointerKey,
  rejection,
  stateOf,
  textAt,
  tree,
} from "../backend/support.js"
import { watchFiles } from "../backend/watched-files.js"
import { temporaryFolder } from "../folder.js"

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
    ["two megabytes", (path: string) => writeFile(path, Buffer.alloc(2 << 20, "x"))],
    ["garbage", (path: string) => writeFile(path, Buffer.from([0xff, 0xfe, 0]))],
  ])("replaces a pointer that is %s", async (_, make) => {
    const root = await temporaryFolder()
    await mkdir(`${root}/checkpoints`)
    await make(`${root}/${pointerKey}`)
    const backend = new FsBackend(root)
    await backend.commit(checkpoint(1))
    expect(await textAt(backend, pointerKey)).toBe(folderOf(1))
  })

  test.each([
    ["a directory", (path: string) => mkdir(path)],
    ["a symbolic link", (path: string) => symlink("../elsewhere", path)],
    ["a dangling link", (path: string) => symlink("/nowhere/at/all", path)],
    ["a pipe", fifo],
    ["a device", device],
  ])("%s in the pointer's place is left to core, and refused by put", async (_, make) => {
    const root = await temporaryFolder()
    await mkdir(`${root}/checkpoints`)
    await writeFile(`${root}/elsewhere`, folderOf(8))
    await make(`${root}/${pointerKey}`)
    const before = await tree(root)
    const backend = new FsBackend(root)
    expect(await backend.commit(checkpoint(1))).toBe("unsupported")
    const error = await rejection(backend.put(pointerKey, body("x")))
    expect(error).toMatchObject({ kind: "damaged" })
    expect(error).toBeInstanceOf(BackendError)
    expect(await tree(root)).toEqual(before)
    expect(await readFile(`${root}/elsewhere`, "utf8")).toBe(folderOf(8))
  })

  test.each([
    ["a symbolic link", (path: string) => symlink("/nowhere", path)],
    ["a device", device],
  ])("%s that takes the pointer's place during the commit stays", async (_, make) => {
    const root = await temporaryFolder()
    const backend = new FsBackend(root)
    await backend.commit(checkpoint(1))
    const batch = checkpoint(2)
    const late = async function* () {
      await rm(`${root}/${pointerKey}`)
      await make(`${root}/${pointerKey}`)
      yield bytes("m")
    }
    const create = [batch.create[0]!, { key: manifestOf(2), body: late }]
    expect((await rejection(backend.commit({ ...batch, create }))).kind).toBe("damaged")
    expect((await lstat(`${root}/${pointerKey}`)).isFile()).toBe(false)
    expect((await tree(root)).filter((name) => isTemporary(name) || name.includes("000002"))).toEqual([])
  })
})
