import { type FileHandle, open } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { createManifest } from "@ckpt/core"
import { afterEach, beforeEach, expect, test } from "vitest"
import { nodeFiles } from "../../src/files/file-api.js"
import { openFsStore } from "../../src/open.js"
import { bytes } from "../backend/support.js"
import { temporaryFolder } from "../folder.js"

type Handle = Pick<FileHandle, "sync" | "datasync" | "utimes" | "writev" | "readv" | "read">

const replaced = ["sync", "datasync", "utimes", "writev", "readv", "read"] as const
let prototype: Handle
let original: Handle

/** Open files as Yarn's Plug'n'Play gives them to a program. `packages/published` has the test with Yarn itself. */
beforeEach(async () => {
  const handle = await open(fileURLToPath(import.meta.url), "r")
  await handle.close()
  prototype = Object.getPrototypeOf(handle)
  original = Object.fromEntries(replaced.map((name) => [name, prototype[name]])) as unknown as Handle
  const missing = () => {
    throw new Error("Method not implemented.")
  }
  const { read } = original
  Object.assign(prototype, {
    sync: missing,
    datasync: missing,
    utimes: missing,
    readv: missing,
    // Theirs loses bytes after a short write.
    writev: missing,
    read(this: FileHandle, ...given: Parameters<typeof read>) {
      if (!Buffer.isBuffer(given[0])) throw new Error("taken for options")
      return read.apply(this, given)
    },
  })
})

afterEach(() => {
  Object.assign(prototype, original)
})

test.each(["directory", "objects"] as const)(
  "%s layout: a store works although sync, datasync, utimes and writev of a FileHandle do not",
  async (layout) => {
    const root = join(await temporaryFolder(), "store")
    await using store = await openFsStore(root, { layout })
    // Long enough for a gathered write and an early sync.
    const long = Buffer.alloc(20 << 20, "state")
    const pieces = [long.subarray(0, 1000), long.subarray(1000)]
    await store.save(createManifest({ checkpointId: 1, epoch: 1 }), { state: pieces })
    await store.save(createManifest({ checkpointId: 2, epoch: 2 }), { state: bytes("two") })
    await store.update(2, (current) => ({ ...current, epoch: 3 }))
    await store.pin(1, "one")
    await using leader = await store.claim()
    await leader.save(createManifest({ checkpointId: 3, epoch: 4 }))
    expect(await leader.prune({ last: 1 })).toMatchObject({ removed: [2], failures: [] })
    const state = await store.readState(1)
    expect(Buffer.from((await state?.bytes()) ?? []).equals(long)).toBe(true)
    expect(await leader.recover({ depth: "deep" })).toMatchObject({ outcome: "recovered", checkpoint: { id: 3 } })
  },
)

test("a file is closed once the calls under way have ended", async () => {
  const file = await nodeFiles.open(join(await temporaryFolder(), "file"), "wx", 0o666)
  const ended: string[] = []
  const note = (name: string) => () => void ended.push(name)
  const calls = [
    file.writev([bytes("one"), bytes("two")], 0).then(note("writev")),
    file.datasync().then(note("datasync")),
    file.sync().then(note("sync")),
    file.utimes(1, 1).then(note("utimes")),
  ]
  await file.close().then(note("close"))
  await Promise.all(calls)
  expect(ended.at(-1)).toBe("close")
  expect(ended.toSorted()).toEqual(["close", "datasync", "sync", "utimes", "writev"])
  await expect(file.sync()).rejects.toThrow()
})
