import { mkdir } from "node:fs/promises"
import { dirname } from "node:path"
import { describe, expect, test } from "vitest"
import { FsBackend } from "../../src/backend.js"
import { type CheckpointStore, createManifest, openFsStore } from "../../src/index.js"
import { temporaryFolder } from "../folder.js"
import { body, bytes, checkpoint, listed, manifestOf, randomPart, stream } from "./support.js"
import type { Call } from "./watched-files.js"
import { watchFiles } from "./watched-files.js"

/** Counts syncs, and how many of them had to wait for another one to end. */
function watchSyncs(root: string) {
  const syncs: string[] = []
  let underway = 0
  let phases = 0
  const short = ({ path }: Call) => path.replace(root, "").replace(randomPart, "-*")
  const files = watchFiles({
    before: async (call) => {
      if (call.name !== "sync") return
      if (underway++ === 0) phases++
      syncs.push(short(call))
      // Long enough for all syncs of one phase to have begun.
      await new Promise((done) => setTimeout(done, 20))
    },
    after: (call) => {
      if (call.name === "sync") underway--
    },
  })
  return {
    files,
    take: () => {
      const taken = { syncs: [...syncs].sort(), phases }
      syncs.length = 0
      phases = 0
      return taken
    },
  }
}

describe("syncs", () => {
  test("of a commit in the steady state: five in two phases; four without state", async () => {
    const root = `${await temporaryFolder()}/store`
    const { files, take } = watchSyncs(root)
    const backend = new FsBackend(root, { files })
    await backend.commit(checkpoint(1))
    take()
    await backend.commit(checkpoint(2))
    expect(take()).toEqual({
      phases: 2,
      syncs: [
        "/checkpoints",
        "/checkpoints/.latest-*",
        "/checkpoints/.stage-*",
        ...["manifest.json", "state.bin"].map((name) => `/checkpoints/.stage-*/${name}`),
      ].sort(),
    })
    await backend.commit(checkpoint(3, { state: null }))
    expect(take()).toMatchObject({ phases: 2, syncs: { length: 4 } })
  })

  test("of the first save of a store: fourteen for the check of the folder, as docs/performance/filesystem-saves.md says", async () => {
    const root = `${await temporaryFolder()}/store`
    const { files, take } = watchSyncs(root)
    await using store = await openFsStore(root, { files })
    await store.save(createManifest({ checkpointId: 1, epoch: 1 }), { state: bytes("state") })
    const counts = new Map<string, number>()
    // The folders above the root are as many as the path is long.
    const { syncs } = take()
    for (const path of syncs) if (path.startsWith("/checkpoints")) counts.set(path, (counts.get(path) ?? 0) + 1)
    expect(Object.fromEntries(counts)).toEqual({
      // Six puts of the check, and the spare that the first replacement makes.
      "/checkpoints/.tmp-*": 7,
      // The six puts, the removal of the probe, and the checkpoint itself.
      "/checkpoints": 8,
      "/checkpoints/.stage-*": 1,
      "/checkpoints/.stage-*/manifest.json": 1,
      "/checkpoints/.stage-*/state.bin": 1,
      "/checkpoints/.latest-*": 1,
    })
  })

  test("of a commit that leaves the pointer alone: one fewer, and its file is gone", async () => {
    const root = `${await temporaryFolder()}/store`
    const { files, take } = watchSyncs(root)
    const backend = new FsBackend(root, { files })
    await backend.commit(checkpoint(7))
    take()
    await backend.commit(checkpoint(6))
    expect(take()).toMatchObject({ phases: 2, syncs: { length: 4 } })
  })

  test("of the first write: every level's parent, in order, each before the next level is made", async () => {
    const folder = await temporaryFolder()
    const root = `${folder}/a/b/store`
    const { files, take } = watchSyncs(folder)
    const backend = new FsBackend(root, { files })
    await backend.put("checkpoints/checkpoint_000001/state.bin", body("x"), { when: "absent" })
    const made = files.calls
      .filter(({ name }) => name === "mkdir" || name === "sync")
      .map(({ name, path }) => `${name} ${path.replace(folder, "").replace(randomPart, "-*")}`)
    const above = []
    for (let path = dirname(folder); ; path = dirname(path)) {
      above.push(`sync ${path}`)
      if (dirname(path) === path) break
    }
    expect(made).toEqual([
      "mkdir /a",
      "sync ",
      "mkdir /a/b",
      "sync /a",
      "mkdir /a/b/store",
      "sync /a/b",
      ...above,
      "mkdir /a/b/store/checkpoints",
      "sync /a/b/store",
      "mkdir /a/b/store/checkpoints/checkpoint_000001",
      "sync /a/b/store/checkpoints",
      "sync /a/b/store/checkpoints/checkpoint_000001/.tmp-*",
      "sync /a/b/store/checkpoints/checkpoint_000001",
    ])
    take()
    await backend.put(manifestOf(1), body("m"), { when: "absent" })
    expect(take().syncs).toHaveLength(2)
  })

  test("where `checkpoints` exists: the root once per backend", async () => {
    const root = await temporaryFolder()
    await mkdir(`${root}/checkpoints`)
    const { files, take } = watchSyncs(root)
    const backend = new FsBackend(root, { files })
    await backend.commit(checkpoint(1))
    expect(take().syncs.filter((path) => path === "")).toHaveLength(1)
    await backend.commit(checkpoint(2))
    expect(take().syncs.filter((path) => path === "")).toHaveLength(0)
  })

  test("of an update right after the commit: the file and its directory", async () => {
    const root = `${await temporaryFolder()}/store`
    const { files, take } = watchSyncs(root)
    const backend = new FsBackend(root, { files })
    const metas = await backend.commit(checkpoint(1))
    take()
    if (metas === "unsupported") return expect.fail()
    const first = await backend.put(manifestOf(1), body("new"), { when: { version: metas[1]!.version } })
    // The first replacement makes the spare too.
    expect(take()).toEqual({
      phases: 4,
      syncs: ["", "/checkpoints/checkpoint_000001", ...Array(2).fill("/checkpoints/checkpoint_000001/.tmp-*")],
    })
    await backend.put(manifestOf(1), body("newer"), { when: { version: first.version } })
    expect(take()).toEqual({
      phases: 2,
      syncs: ["/checkpoints/checkpoint_000001", "/checkpoints/checkpoint_000001/.tmp-*"],
    })
  })

  test("of a refused create: what was found is synced before the rejection", async () => {
    const root = await temporaryFolder()
    await mkdir(`${root}/checkpoints/checkpoint_000001`, { recursive: true })
    await new FsBackend(root).put(manifestOf(1), body("first"), { when: "absent" })
    const { files, take } = watchSyncs(root)
    await expect(
      new FsBackend(root, { files }).put(manifestOf(1), body("second"), { when: "absent" }),
    ).rejects.toMatchObject({ kind: "precondition" })
    expect(take().syncs).toEqual([
      "",
      "/checkpoints",
      "/checkpoints/checkpoint_000001",
      "/checkpoints/checkpoint_000001/.tmp-*",
    ])
  })

  test.each([
    ["directory", ["", "/checkpoints", "/checkpoints/checkpoint_000002"]],
    ["objects", ["", "", "/checkpoints", "/manifests"]],
  ] as const)(
    "of a recovery, layout %s: those of the folders, once; none of one's own checkpoint, and none if it is read-only",
    async (layout, folders) => {
      const root = await temporaryFolder()
      const manifest = (checkpointId: number) => createManifest({ checkpointId, epoch: 1 })
      const { files, take } = watchSyncs(root)
      await using writer = await openFsStore(root, { files, layout })
      for (const id of [1, 2]) await writer.save(manifest(id), { state: bytes("state") })
      take()
      for (const readOnly of [undefined, false, true]) {
        await using store = readOnly === undefined ? writer : await openFsStore(root, { files, layout, readOnly })
        for (const syncs of [readOnly === false ? folders : [], []]) {
          expect((await store.recover()).checkpoint?.id).toBe(2)
          expect(take().syncs).toEqual(syncs)
        }
      }
    },
  )

  test("of a delete: each folder that lost a name, once", async () => {
    const root = await temporaryFolder()
    const { files, take } = watchSyncs(root)
    const backend = new FsBackend(root, { files })
    for (const id of [1, 2]) await backend.commit(checkpoint(id))
    take()
    expect(await backend.delete([1, 2].map(manifestOf))).toEqual([])
    expect(take().syncs).toEqual(["/checkpoints/checkpoint_000001", "/checkpoints/checkpoint_000002"])
    expect(await backend.delete([1, 2].map((id) => `checkpoints/checkpoint_00000${id}/state.bin`))).toEqual([])
    expect(take().syncs).toEqual(["/checkpoints"])
  })
})

describe("writes", () => {
  test("of 64 MiB in chunks of 4 KiB: 8 gathered ones, two at most under way, and 1 to 4 early syncs of the data", async () => {
    const chunk = new Uint8Array(4096).fill(7)
    const chunks = Array.from({ length: 16_384 }, () => chunk)
    for (const content of [chunks, stream(...chunks)]) {
      let underWay = 0
      let most = 0
      const files = watchFiles({
        before: ({ name }) => {
          if (name === "writev") most = Math.max(most, ++underWay)
        },
        after: ({ name }) => {
          if (name === "writev") underWay--
        },
      })
      const backend = new FsBackend(await temporaryFolder(), { files })
      await backend.put("a/b", content)
      expect([files.count("writev"), files.count("write"), most]).toEqual([8, 0, 2])
      expect([1, 2, 3, 4]).toContain(files.count("datasync"))
      expect((await listed(backend)).map(({ size }) => size)).toEqual([64 << 20])
    }
  })

  test("of a state of 64 MiB are the same 8, whatever it is given as", async () => {
    const whole = new Uint8Array(64 << 20).fill(7)
    const cut = (bytes: number) =>
      Array.from({ length: whole.length / bytes }, (_, n) => whole.subarray(n * bytes, (n + 1) * bytes))
    for (const state of [
      whole,
      cut(4096),
      cut(65_536),
      stream(...cut(4096)),
      stream(...cut(3 << 20).slice(0, 21), cut(1 << 20)[0]!),
    ]) {
      const files = watchFiles()
      const store = await openFsStore(await temporaryFolder(), { files })
      await store.save(createManifest({ checkpointId: 1, epoch: 1 }), { state })
      const path = /state\.bin$/
      expect(files.count("writev", path) + files.count("write", path)).toBe(8)
      expect([1, 2, 3, 4]).toContain(files.count("datasync"))
      await store.close()
    }
  })

  test("of what is small: one for each file, and no early sync", async () => {
    const files = watchFiles()
    const backend = new FsBackend(await temporaryFolder(), { files })
    await backend.commit(checkpoint(1))
    expect([files.count("write"), files.count("writev"), files.count("datasync")]).toEqual([3, 0, 0])
  })

  test("nothing is created or touched by the constructor and by reads", async () => {
    const files = watchFiles()
    const backend = new FsBackend(`${await temporaryFolder()}/none`, { files })
    expect(files.calls).toEqual([])
    expect([await backend.get("a/b"), await backend.head("a/b"), await listed(backend)]).toEqual([
      undefined,
      undefined,
      [],
    ])
    expect(await backend.delete(["a/b"])).toEqual([])
    expect(await backend.leftovers({ olderThanMs: 0, prefix: "" })).toEqual([])
    await expect(backend.put("a/b", body("x"), { when: { version: "1" } })).rejects.toMatchObject({
      kind: "precondition",
    })
    expect(files.calls.filter(({ name }) => !["realpath", "lstat", "stat"].includes(name))).toEqual([])
    expect(bytes("")).toHaveLength(0)
  })
})

// A read-only filesystem may refuse the sync of a folder: squashfs and ISO 9660 do.
test.each(["directory", "objects"] as const)(
  "in the layout %s, what is opened readOnly syncs nothing",
  async (layout) => {
    const root = await temporaryFolder()
    await using store = await openFsStore(root, { layout })
    for (const checkpointId of [1, 2, 3])
      await store.save(createManifest({ checkpointId, epoch: 1 }), { state: bytes("s") })
    const files = watchFiles()
    await using reader = await openFsStore(root, { layout, readOnly: true, files })
    expect(await reader.prune({ last: 1 }, { dryRun: true })).toMatchObject({ removed: [1, 2] })
    expect(await reader.collectOrphans({ dryRun: true })).toMatchObject({ removed: [] })
    expect(files.count("sync")).toBe(0)
  },
)

describe("file calls of a steady save", () => {
  const save = (store: { save: CheckpointStore["save"] }, id: number) =>
    store.save(createManifest({ checkpointId: id, epoch: 1 }), { state: bytes("state") })

  // Without a claim the history is looked at after the checkpoint: another store of this process may have claimed or pruned.
  test.each([
    ["directory", 45, 43],
    ["objects", 69, 71],
  ] as const)("in the layout %s: %i, with a claim %i", async (layout, plainly, claimed) => {
    const root = `${await temporaryFolder()}/store`
    const files = watchFiles()
    await using plain = await openFsStore(root, { files, layout })
    const calls = async (store: { save: CheckpointStore["save"] }, id: number) => {
      for (const n of [0, 1]) await save(store, id + n)
      files.calls.length = 0
      await save(store, id + 2)
      return files.calls.length
    }
    expect(await calls(plain, 1)).toBe(plainly)
    await using leader = await plain.claim()
    expect(await calls(leader, 11)).toBe(claimed)
  })
})
