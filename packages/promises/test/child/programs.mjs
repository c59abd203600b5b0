// Checks of promises that no scenario can see, since they are about one storage, or about the command.
import assert from "node:assert/strict"
import { execFile, spawn } from "node:child_process"
import { existsSync, readdirSync } from "node:fs"
import * as node from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { openFsStore } from "@ckpt/fs"

const state = () => [Buffer.from("a state")]

/** @type {import("@ckpt/fs").CheckpointStore[]} */
const stores = []

/** @param {Parameters<typeof openFsStore>} given */
async function opened(...given) {
  const store = await openFsStore(...given)
  stores.push(store)
  return store
}

/** @param {(root: string) => Promise<void>} use */
async function inFolder(use) {
  const folder = await node.mkdtemp(join(tmpdir(), "ckpt-promise-"))
  try {
    await use(folder)
  } finally {
    for (const store of stores) await store.close()
    await node.rm(folder, { recursive: true, force: true })
  }
}

/** @typedef {import("@ckpt/fs").FileApi} FileApi */

/**
 * The calls of Node, each told as it ends: its name, and the paths that it is about.
 *
 * @param {(name: string, path: string, to?: string) => void} told
 * @returns {FileApi}
 */
function watched(told) {
  /** @type {Record<string, unknown>} */
  const files = {}
  const { mkdir, rename, link, unlink, rmdir, lstat, stat, readdir, realpath } = node
  for (const [name, call] of Object.entries({ mkdir, rename, link, unlink, rmdir, lstat, stat, readdir, realpath })) {
    files[name] = async (/** @type {string[]} */ ...given) => {
      // @ts-expect-error: all of them take paths first
      const answer = await call(...given)
      told(name, given[0] ?? "", given[1])
      return answer
    }
  }
  files["open"] = async (/** @type {[string, string]} */ ...given) => {
    const [path] = given
    const file = await node.open(...given)
    if (given[1] === "wx") told("create", path)
    /** @param {"write" | "writev" | "sync"} name */
    const passed =
      (name) =>
      async (/** @type {unknown[]} */ ...args) => {
        // @ts-expect-error: the arguments are those of the method
        const answer = await file[name](...args)
        told(name, path)
        return answer
      }
    return {
      write: passed("write"),
      writev: passed("writev"),
      sync: passed("sync"),
      datasync: () => file.datasync(),
      read: file.read.bind(file),
      stat: file.stat.bind(file),
      truncate: file.truncate.bind(file),
      utimes: file.utimes.bind(file),
      close: () => file.close(),
    }
  }
  return /** @type {FileApi} */ (files)
}

/**
 * @param {Record<string, { folder: string }>} variants
 * @param {string[]} args
 */
function commandOf(variants, ...args) {
  const own = variants["cli"]?.folder
  const bin =
    own === undefined ? fileURLToPath(new URL("../../../cli/dist/bin.js", import.meta.url)) : join(own, "bin.js")
  const command = fileURLToPath(new URL("command.mjs", import.meta.url))
  return { file: process.execPath, args: [command, JSON.stringify({ variants, bin }), ...args] }
}

/** A check that could not be run: neither a pass nor a failure. */
class Unrunnable extends Error {}

/**
 * Runs the command.
 *
 * @param {Record<string, { folder: string }>} variants
 * @param {string[]} args
 * @returns {Promise<{ code: number, stdout: string, stderr: string }>}
 */
async function ckpt(variants, ...args) {
  const { file, args: given } = commandOf(variants, ...args)
  return promisify(execFile)(file, given).then(
    (output) => ({ code: 0, ...output }),
    ({ code, stdout, stderr }) => {
      // A command that cannot even be loaded shows nothing.
      if (/^Node\.js v/m.test(stderr)) throw new Unrunnable(stderr)
      return { code, stdout, stderr }
    },
  )
}

/** @type {Record<string, (variants: Record<string, { folder: string }>) => Promise<void>>} */
export const programs = {
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

  "ckpt prune, rm and gc remove nothing without --yes": (variants) =>
    inFolder(async (root) => {
      const store = await opened(root)
      for (let id = 1; id <= 3; id++) await store.saveNext({}, { state: state() })
      const orphan = join(root, "checkpoints", "checkpoint_000002", "manifest.json")
      await ckpt(variants, "prune", `file:${root}`, "last=1")
      await ckpt(variants, "rm", `file:${root}`, "1")
      assert.deepEqual(await store.ids(), [1, 2, 3])
      await node.rm(orphan)
      await ckpt(variants, "gc", `file:${root}`, "--older-than", "0s")
      assert.ok(existsSync(join(root, "checkpoints", "checkpoint_000002", "state.bin")), "the orphan was removed")
    }),

  "ckpt show spells out what a terminal would obey": (variants) =>
    inFolder(async (root) => {
      const store = await opened(root)
      await store.saveNext({ labels: { job: "\u001b[2Jgone\u202e" } })
      const { stdout } = await ckpt(variants, "show", `file:${root}`, "1")
      assert.match(stdout, /\\x1b\[2Jgone\\u202e/)
      assert.ok(!stdout.includes("\u001b"), "an escape came through")
    }),

  "ckpt prune keeps the last checkpoint whose bytes verify": (variants) =>
    inFolder(async (root) => {
      const store = await opened(root)
      for (let id = 1; id <= 2; id++) await store.saveNext({}, { state: state() })
      await damage(root, 2)
      await ckpt(variants, "prune", `file:${root}`, "last=1", "--yes")
      assert.equal((await store.recover()).outcome, "recovered")
    }),

  "ckpt changes a claimed store with --claim alone, and claims no other": (variants) =>
    inFolder(async (root) => {
      const store = await opened(root)
      for (let id = 1; id <= 3; id++) await store.saveNext({}, { state: state() })
      assert.equal((await ckpt(variants, "prune", `file:${root}`, "last=2", "--yes", "--claim")).code, 1)
      assert.deepEqual(await store.ids(), [1, 2, 3])
      const leader = await store.claim()
      stores.push(leader)
      const refused = await ckpt(variants, "prune", `file:${root}`, "last=1", "--yes")
      assert.match(refused.stderr, /--claim/)
      assert.deepEqual(await leader.ids(), [1, 2, 3])
    }),

  "ckpt export that is killed leaves nothing under the name of its file": (variants) =>
    inFolder(async (root) => {
      const store = await opened(join(root, "store"))
      const bytes = 64 << 20
      await store.saveNext({}, { state: [Buffer.alloc(bytes)] })
      const tar = join(root, "checkpoint.tar")
      const { file, args } = commandOf(variants, "export", `file:${root}/store`, "1", tar)
      // On a busy machine it may be done before it is killed: that shows nothing.
      for (let attempt = 0; attempt < 10; attempt++) {
        const exporting = spawn(file, args, { stdio: "ignore" })
        const ended = new Promise((resolve) => exporting.once("exit", resolve))
        while (readdirSync(root).length === 1 && exporting.exitCode === null) await new Promise(setImmediate)
        exporting.kill("SIGKILL")
        await ended
        const size = existsSync(tar) ? (await node.stat(tar)).size : undefined
        assert.ok(size === undefined || size > bytes, `a tar of ${size} bytes has the name`)
        if (size === undefined && readdirSync(root).length > 1) return
        for (const name of readdirSync(root)) if (name !== "store") await node.rm(join(root, name))
      }
      assert.fail("it was never killed in the middle")
    }),

  "ckpt cat of a state with a flipped bit fails, and does not end it": (variants) =>
    inFolder(async (root) => {
      const store = await opened(root)
      await store.saveNext({}, { state: state() })
      assert.equal((await ckpt(variants, "cat", `file:${root}`, "1")).stdout, "a state")
      await damage(root, 1)
      const { code, stdout } = await ckpt(variants, "cat", `file:${root}`, "1")
      assert.deepEqual({ code, stdout }, { code: 1, stdout: "" })
    }),

  "ckpt ls and rm write answers to stdout, and notes to stderr": (variants) =>
    inFolder(async (root) => {
      const store = await opened(root)
      await store.saveNext({}, { state: state() })
      const listed = await ckpt(variants, "ls", `file:${root}`, "--json")
      for (const line of listed.stdout.trim().split("\n")) JSON.parse(line)
      await store.saveNext()
      const shown = await ckpt(variants, "rm", `file:${root}`, "1")
      assert.match(shown.stderr, /--yes acts/)
      assert.doesNotMatch(shown.stdout, /--yes acts/)
    }),

  "ckpt says by its exit code what happened": (variants) =>
    inFolder(async (root) => {
      const store = await opened(root)
      await store.saveNext({}, { state: state() })
      const codes = []
      for (const args of [["verify", `file:${root}`, "latest"], ["show", `file:${root}`, "7"], ["show"]]) {
        codes.push((await ckpt(variants, ...args)).code)
      }
      assert.deepEqual(codes, [0, 1, 2])
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

/**
 * Flips a bit in the state of a checkpoint, as a disk may.
 *
 * @param {string} root
 * @param {number} id
 */
async function damage(root, id) {
  const path = join(root, "checkpoints", `checkpoint_00000${id}`, "state.bin")
  const { atime, mtime } = await node.stat(path)
  const bytes = await node.readFile(path)
  bytes[0] = (bytes[0] ?? 0) ^ 1
  await node.writeFile(path, bytes)
  // A disk that rots changes no time.
  await node.utimes(path, atime, mtime)
}
