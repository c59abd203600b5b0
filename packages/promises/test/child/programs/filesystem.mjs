// Checks of promises of the filesystem, which no scenario can see.
import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import * as node from "node:fs/promises"
import { dirname, join } from "node:path"
import { failure, inFolder, latch, opened, outcomeOf, state, watched } from "./support.mjs"

export const filesystemPrograms = {
  "a stream that a save has taken is CKPT_INVALID for the next": () =>
    inFolder(async (root) => {
      const store = await opened(root)
      const stream = (async function* () {
        yield Buffer.from("bytes")
      })()
      await store.saveNext({}, { state: stream })
      await assert.rejects(store.saveNext({}, { state: stream }), { code: "CKPT_INVALID" })
      assert.deepEqual(await store.ids(), [1])
    }),

  "a save syncs each file and folder before it is acknowledged": () =>
    inFolder(async (root) => {
      /** Paths whose last change was not synced yet. */
      const unsynced = new Set()
      const folderOf = (/** @type {string} */ path) => path.slice(0, path.lastIndexOf("/"))
      const files = watched((name, path, to = "") => {
        if (name === "sync" || name === "unlink" || name === "rmdir") unsynced.delete(path)
        if (name === "write" || name === "writev") unsynced.add(path)
        if (name === "mkdir" || name === "create") unsynced.add(folderOf(path))
        if (name !== "rename") return
        // What is moved must be durable before it has its name: a power cut would leave a name without its bytes.
        const early = [...unsynced].filter((one) => one === path || String(one).startsWith(`${path}/`))
        assert.deepEqual(early, [], `${to} got its name before its bytes were synced`)
        unsynced.add(folderOf(to))
      })
      const store = await opened(root, { files })
      for (let id = 1; id <= 3; id++) {
        await store.saveNext({}, { state: state() })
        assert.deepEqual([...unsynced], [], `acknowledged before these were synced: ${[...unsynced]}`)
      }
      const folders = [...(await node.readdir(join(root, "checkpoints")))].filter((name) =>
        name.startsWith("checkpoint_"),
      )
      assert.equal(folders.length, 3)
    }),

  "a save whose last sync fails is CKPT_UNKNOWN_OUTCOME": () =>
    inFolder(async (root) => {
      let fails = false
      const files = watched((name, path) => {
        if (fails && name === "sync" && path.endsWith("/checkpoints")) {
          throw Object.assign(new Error("EIO: the disk failed"), { code: "EIO" })
        }
      })
      const store = await opened(root, { files, retry: { attempts: 1 } })
      await store.saveNext({}, { state: state() })
      fails = true
      await assert.rejects(store.saveNext({}, { state: state() }), { code: "CKPT_UNKNOWN_OUTCOME" })
      fails = false
    }),

  "the same save again, after a sync that failed, is CKPT_UNKNOWN_OUTCOME in the same process": () =>
    inFolder(async (root) => {
      let fails = false
      const files = watched(
        () => {},
        (name, path) => {
          if (fails && name === "sync" && path.endsWith("/checkpoints")) throw failure("EIO")
        },
      )
      const store = await opened(root, { files, retry: { attempts: 1 } })
      await store.saveNext({}, { state: state() })
      const manifest = await store.nextManifest()
      fails = true
      await assert.rejects(store.save(manifest, { state: state() }), { code: "CKPT_UNKNOWN_OUTCOME" })
      // The kernel reports a failure once: the second sync would succeed.
      fails = false
      await assert.rejects(store.save(manifest, { state: state() }), { code: "CKPT_UNKNOWN_OUTCOME" })
    }),

  "a save that finds a checkpoint whose sync is under way waits for that sync, and for its failure": () =>
    inFolder(async (root) => {
      const calls = { underWay: 0 }
      const [begun, ended] = [latch(), latch()]
      let isNext = false
      const hold = async (/** @type {string} */ name, /** @type {string} */ path) => {
        if (!isNext || name !== "sync" || !path.endsWith("/checkpoints")) return
        isNext = false
        calls.underWay--
        begun.resolve()
        await ended.promise.finally(() => calls.underWay++)
      }
      const files = watched(() => {}, hold, calls)
      const [first, second] = [await opened(root, { files }), await opened(root, { files })]
      await first.saveNext({}, { state: state() })
      const manifest = await first.nextManifest()
      await second.recover()
      isNext = true
      const one = outcomeOf(first.save(manifest, { state: state() }))
      await begun.promise
      const other = outcomeOf(second.save(manifest, { state: state() }))
      // The second save has done whatever it does before the first sync ends.
      for (let turns = 0; turns < 100; turns = calls.underWay === 0 ? turns + 1 : 0) await new Promise(setImmediate)
      ended.reject(failure("EIO"))
      assert.deepEqual([await one, await other], ["CKPT_UNKNOWN_OUTCOME", "CKPT_UNKNOWN_OUTCOME"])
    }),

  "nothing is made in a new folder before the folder's own name is durable": () =>
    inFolder(async (folder) => {
      /** Folders that were made, and whose names no sync has made durable. */
      const unsynced = new Set()
      const files = watched(
        (name, path) => {
          if (name === "mkdir" && !path.includes("/.stage-")) unsynced.add(path)
          if (name === "sync") for (const one of unsynced) if (dirname(one) === path) unsynced.delete(one)
        },
        (name, path, flags) => {
          if (name === "mkdir" || flags === "wx") assert.ok(!unsynced.has(dirname(path)), `${path} was made early`)
        },
      )
      const store = await opened(join(folder, "a/b/store"), { files, layout: "objects" })
      await store.saveNext({}, { state: state() })
      assert.deepEqual([...unsynced], [])
      assert.deepEqual(await store.ids(), [1])
    }),

  "a root that is gone is CKPT_IO, and nothing is made in its place": () =>
    inFolder(async (folder) => {
      const root = join(folder, "store")
      const store = await opened(root, { retry: { attempts: 1 } })
      await store.saveNext({}, { state: state() })
      await node.rename(root, join(folder, "unmounted"))
      await node.mkdir(root)
      await assert.rejects(store.recover(), { code: "CKPT_IO" })
      await assert.rejects(store.saveNext({}, { state: state() }), { code: "CKPT_IO" })
      assert.deepEqual(await node.readdir(root), [])
    }),

  "mustExist: a root that is not there is CKPT_IO": () =>
    inFolder(async (folder) => {
      const store = await opened(join(folder, "none"), { mustExist: true, retry: { attempts: 1 } })
      await assert.rejects(store.recover(), { code: "CKPT_IO" })
    }),

  "a link in the place of a folder is not followed": () =>
    inFolder(async (folder) => {
      const other = await opened(join(folder, "other"))
      await other.saveNext({}, { state: state() })
      await node.mkdir(join(folder, "store"))
      await node.symlink(join(folder, "other", "checkpoints"), join(folder, "store", "checkpoints"))
      const store = await opened(join(folder, "store"), { retry: { attempts: 1 } })
      await assert.rejects(store.loadLatest(), { code: "CKPT_IO" })
      await assert.rejects(store.recover(), { code: "CKPT_IO" })
      await assert.rejects(store.saveNext({}, { state: state() }), { code: "CKPT_IO" })
      assert.deepEqual(await other.ids(), [1])
    }),

  "retention by age removes nothing young, although the clock of the process is ten hours ahead": () =>
    inFolder(async (root) => {
      const store = await opened(root)
      for (let id = 1; id <= 3; id++) await store.saveNext({}, { state: state() })
      const Real = Date
      globalThis.Date = class extends Real {
        /** @param {[] | [number]} given */
        constructor(...given) {
          super(given.length === 0 ? Real.now() + 36_000_000 : given[0])
        }
        static now() {
          return Real.now() + 36_000_000
        }
      }
      try {
        assert.deepEqual((await store.prune({ withinMs: 3_600_000 })).removed, [])
      } finally {
        globalThis.Date = Real
      }
    }),

  "what a killed save left goes with the next retention": () =>
    inFolder(async (root) => {
      const program = `
        import { openFsStore } from ${JSON.stringify(import.meta.resolve("@ckpt/fs"))}
        const store = await openFsStore(${JSON.stringify(root)})
        await store.saveNext({})
        const silent = async function* () { yield Buffer.alloc(10); process.stdout.write("writing"); await new Promise(() => setInterval(() => {}, 1000)) }
        await store.saveNext({}, { state: silent })`
      const writer = spawn(process.execPath, ["--input-type=module", "-e", program], {
        stdio: ["ignore", "pipe", "inherit"],
      })
      await new Promise((resolve) => writer.stdout.once("data", resolve))
      const ended = new Promise((resolve) => writer.once("exit", resolve))
      writer.kill("SIGKILL")
      await ended
      const temporary = async () =>
        (await node.readdir(join(root, "checkpoints"))).filter((name) => name.startsWith(".stage-"))
      assert.equal((await temporary()).length, 1)
      const store = await opened(root)
      await store.prune({ last: 5 })
      assert.deepEqual(await temporary(), [])
    }),

  "a prune on a full disk, which replaces the history first": () =>
    inFolder(async (root) => {
      let isFull = false
      const files = watched(() => {})
      const { open } = files
      files.open = async (path, flags, mode) => {
        if (isFull && flags === "wx") throw Object.assign(new Error("ENOSPC: no space left"), { code: "ENOSPC" })
        return open(path, flags, mode)
      }
      const store = await opened(root, { files, retry: { attempts: 1 } })
      for (let id = 1; id <= 3; id++) await store.saveNext({}, { state: state() })
      await store.pin(3, "last")
      isFull = true
      assert.deepEqual((await store.prune({ last: 1 })).removed, [1, 2])
      isFull = false
    }),
}
