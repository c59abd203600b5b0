import { createManifest } from "@ckpt/core"
import { beforeEach, describe, expect, test } from "vitest"
import { FsBackend } from "../../src/backend.js"
import { nodeFiles } from "../../src/files/file-api.js"
import { patient } from "../../src/files/patient.js"
import { openFsStore } from "../../src/index.js"
import {
  body,
  checkpoint,
  forgetProcess,
  isTemporary,
  keys,
  preparedRoot,
  rejection,
  textAt,
  tree,
} from "../backend/support.js"
import { type Call, errno, watchFiles } from "../backend/watched-files.js"
import { temporaryFolder } from "../folder.js"

beforeEach(forgetProcess)

const manifest = (checkpointId: number) => createManifest({ checkpointId, epoch: 1 })
const state = new Uint8Array(1000).fill(1)

/** As the system throws it. */
const failing = (code: string, { name }: Call): NodeJS.ErrnoException =>
  Object.assign(errno(code), { syscall: name === "sync" ? "fsync" : name })

const clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (ms: number) => void (await (ms > 5_000 ? new Promise(() => {}) : ms)),
}

test.each(["ESTALE", "EINTR", "ENOMEM", "ETIMEDOUT", "ENOTCONN", "EAGAIN"])(
  "%s passes, and is tried again",
  async (code) => {
    const root = await temporaryFolder()
    const writer = await openFsStore(root)
    await writer.save(manifest(1), { state })
    await writer.close()
    for (const name of ["readdir", "open", "read", "realpath", "lstat"]) {
      let failures = 1
      const files = watchFiles({
        before(call) {
          if (call.name === name && failures-- > 0) throw failing(code, call)
        },
      })
      const store = await openFsStore(root, { files, clock })
      expect((await store.recover()).checkpoint?.id, name).toBe(1)
      expect(failures, name).toBeLessThan(1)
      await store.close()
    }
  },
)

// A failed sync is never repeated, and after ESTALE nobody knows whether a link was made.
test.each(["mkdir", "open", "write", "fstat", "readdir", "lstat"])(
  "a code that passes, of any %s of a claim: it is tried again",
  async (name) => {
    for (let at = 1, calls = 1; at <= calls; at++) {
      forgetProcess()
      const root = await temporaryFolder()
      let isClaiming = false
      let made = 0
      const files = watchFiles({
        before(call) {
          if (isClaiming && call.name === name && ++made === at) throw failing("ESTALE", call)
        },
      })
      const store = await openFsStore(root, { files, clock })
      await store.save(manifest(1), { state })
      isClaiming = true
      const leader = await store.claim()
      isClaiming = false
      if (at === 1) calls = Math.min(made, 4)
      expect((await leader.save(manifest(2), { state })).outcome).toBe("created")
      await expect(store.save(manifest(3))).rejects.toMatchObject({ code: "CKPT_FENCED" })
      await leader.close()
      await store.close()
    }
  },
)

test("EMFILE of a call that opens nothing is not said to be this process's limit", async () => {
  const root = await preparedRoot()
  for (const [name, limit] of [
    ["rename", false],
    ["mkdir", false],
    ["open", true],
  ] as const) {
    const files = watchFiles({
      before(call) {
        if (call.name === name) throw failing("EMFILE", call)
      },
    })
    const error = await rejection(new FsBackend(root, { files }).commit(checkpoint(2)))
    expect([error.kind, error.message.includes("ulimit")], name).toEqual(["transient", limit])
  }
})

describe.each(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"])("a filesystem without hard links (%s)", (code) => {
  const files = () =>
    watchFiles({
      before(call) {
        if (call.name === "link") throw failing(code, call)
      },
    })

  test("is enough for saves, updates, pins and retention in the default layout; the rest is CKPT_UNSUPPORTED", async () => {
    const root = await temporaryFolder()
    const store = await openFsStore(root, { files: files(), retain: { last: 2 } })
    for (const id of [1, 2, 3]) expect((await store.save(manifest(id), { state })).outcome).toBe("created")
    await store.update(3, (current) => ({ ...current, sinkEpochs: { out: 1 } }))
    expect(await store.ids()).toEqual([2, 3])
    expect((await store.recover()).checkpoint?.id).toBe(3)
    await store.pin(3, "kept")
    expect(await store.pins()).toEqual([{ id: 3, name: "kept" }])
    for (const refused of [() => store.writeState(4, state), () => store.claim()])
      await expect(refused()).rejects.toMatchObject({
        code: "CKPT_UNSUPPORTED",
        message: expect.stringContaining("has no hard links"),
      })
    await store.close()
    expect((await tree(root)).filter(isTemporary)).toEqual([])
  })

  test('is CKPT_UNSUPPORTED in the layout "objects", before anything is saved', async () => {
    const root = await temporaryFolder()
    const store = await openFsStore(root, { files: files(), layout: "objects" })
    await expect(store.save(manifest(1), { state })).rejects.toMatchObject({
      code: "CKPT_UNSUPPORTED",
      message: expect.stringContaining("has no hard links"),
    })
    expect(await keys(new FsBackend(root))).toEqual([])
    expect((await tree(root)).filter(isTemporary)).toEqual([])
    await store.close()
  })
})

describe.each(["EINVAL", "ENOTSUP", "EOPNOTSUPP"])("a filesystem that cannot sync a folder (%s)", (code) => {
  const files = () =>
    watchFiles({
      before(call) {
        // A file that was opened to be written has its mode as text.
        if (call.name === "sync" && opened.get(call.file ?? -1) !== "wx") throw failing(code, call)
        if (call.name === "open") opened.set(call.file ?? -1, call.flags)
      },
    })
  const opened = new Map<number, unknown>()

  test.each(["directory", "objects"] as const)(
    "is CKPT_UNSUPPORTED in the layout %s, before anything is saved; directorySync: false accepts it",
    async (layout) => {
      for (const existing of [false, true]) {
        forgetProcess()
        const root = await temporaryFolder()
        if (existing) {
          const before = await openFsStore(root, { layout })
          await before.save(manifest(1), { state })
          await before.close()
        }
        const refused = await openFsStore(root, { layout, files: files() })
        for (let again = 0; again < 2; again++) {
          await expect(refused.save(manifest(2), { state })).rejects.toMatchObject({
            code: "CKPT_UNSUPPORTED",
            message: expect.stringMatching(/cannot sync a folder.*power cut.*directorySync: false/),
          })
        }
        expect(await refused.ids()).toEqual(existing ? [1] : [])
        await refused.close()
        expect((await tree(root)).filter(isTemporary)).toEqual([])

        const watched = files()
        const store = await openFsStore(root, { layout, files: watched, directorySync: false, retain: { last: 1 } })
        expect((await store.save(manifest(2), { state })).outcome).toBe("created")
        expect(await store.ids()).toEqual([2])
        await store.pin(2, "kept")
        const leader = await store.claim()
        expect((await leader.save(manifest(3), { state })).outcome).toBe("created")
        await leader.close()
        await store.close()
        expect(watched.count("sync")).toBeGreaterThan(0)
        expect(watched.held()).toBe(0)
      }
    },
  )
})

describe.each(["EACCES", "EBUSY", "EPERM"])("%s of renaming a folder", (code) => {
  test("that has open files: they are closed, and it is tried once more", async () => {
    const root = await preparedRoot()
    const open = new Map<number, string>()
    const files = watchFiles({
      before(call) {
        if (call.name === "rename" && [...open.values()].some((path) => path.startsWith(call.path)))
          throw failing(code, call)
      },
      after(call) {
        if (call.name === "open") open.set(call.file ?? -1, call.path)
        if (call.name === "close") open.delete(call.file ?? -1)
      },
    })
    await new FsBackend(root, { files }).commit(checkpoint(2))
    expect(files.count("rename")).toBe(3)
    expect(await textAt(new FsBackend(root), "checkpoints/latest.txt")).toBe("checkpoint_000002")
  })

  test("that stays: the commit is refused without a trace", async () => {
    const root = await preparedRoot()
    const before = await tree(root)
    const files = watchFiles({
      before(call) {
        if (call.name === "rename") throw failing(code, call)
      },
    })
    const { kind } = await rejection(new FsBackend(root, { files }).commit(checkpoint(2)))
    expect(kind).toBe(code === "EBUSY" ? "transient" : "denied")
    expect(files.count("rename")).toBe(2)
    expect(await tree(root)).toEqual(before)
  })
})

describe.each(["EPERM", "EACCES", "EBUSY"])("Windows: %s", (code) => {
  const waited: number[] = []
  const busyFor = (times: number, root: string) => {
    waited.length = 0
    let left = times
    const watched = watchFiles({
      before(call) {
        if ((call.name === "rename" || call.name === "unlink") && call.path.startsWith(root) && left-- > 0)
          throw failing(code, call)
      },
    })
    return patient(watched, async (ms) => void waited.push(ms))
  }

  test("of a rename or an unlink is tried again for some seconds", async () => {
    const root = await preparedRoot()
    for (const times of [1, 5]) {
      const files = busyFor(times, root)
      await files.rename(`${root}/a/b`, `${root}/a/c`)
      await files.rename(`${root}/a/c`, `${root}/a/b`)
      expect(waited).toHaveLength(times)
    }
    await busyFor(5, root).unlink(`${root}/a/b`)
    expect(waited).toHaveLength(5)
  })

  test("is a failure after five seconds, and at once where the code says that a folder is there", async () => {
    const root = await preparedRoot()
    await expect(busyFor(1e9, root).unlink(`${root}/a/b`)).rejects.toMatchObject({ code })
    expect(waited.reduce((sum, ms) => sum + ms, 0)).toBe(5_000)
    await expect(busyFor(1e9, root).unlink(`${root}/a`)).rejects.toMatchObject({ code })
    expect(waited).toEqual([])
    await expect(busyFor(1e9, root).rename(`${root}/a`, `${root}/checkpoints`)).rejects.toMatchObject({ code })
    expect(waited).toEqual([])
  })

  test("and all other calls are passed on as they are", async () => {
    const root = await temporaryFolder()
    const backend = new FsBackend(root, { files: patient(nodeFiles) })
    await backend.commit(checkpoint(1))
    await backend.put("a/b", body("x"), { when: "absent" })
    expect(await backend.delete(["a/b"])).toEqual([])
    expect(await keys(backend)).toHaveLength(3)
  })
})
