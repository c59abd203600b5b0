// What the programs share.
import { execFile, spawn } from "node:child_process"
import * as node from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { openFsStore } from "@ckpt/fs"

/** @typedef {Record<string, { folder: string }>} Variants The packages whose build is a copy, and where it lies. */

export const state = () => [Buffer.from("a state")]

/** @type {import("@ckpt/fs").CheckpointStore[]} */
export const stores = []

/** @param {Parameters<typeof openFsStore>} given */
export async function opened(...given) {
  const store = await openFsStore(...given)
  stores.push(store)
  return store
}

/** Processes that live until the check has ended. */
const others = /** @type {(() => Promise<void>)[]} */ ([])

/** @param {string} code of the system */
export const failure = (code) => Object.assign(new Error(`${code}: told by the check`), { code })

/**
 * The outcome of a save, or the code of its error.
 *
 * @param {Promise<import("@ckpt/fs").SaveReceipt>} save
 * @returns {Promise<string>}
 */
export const outcomeOf = (save) =>
  save.then(
    ({ outcome }) => outcome,
    ({ code }) => code,
  )

/** @returns {{ promise: Promise<void>, resolve: () => void, reject: (error: Error) => void }} */
export function latch() {
  let [resolve, reject] = [() => {}, (/** @type {Error} */ _) => {}]
  const promise = new Promise((...both) => {
    ;[resolve, reject] = /** @type {[() => void, typeof reject]} */ (both)
  })
  return { promise, resolve, reject }
}

/** @param {(root: string) => Promise<void>} use */
export async function inFolder(use) {
  const folder = await node.mkdtemp(join(tmpdir(), "ckpt-promise-"))
  try {
    await use(folder)
  } finally {
    for (const kill of others) await kill()
    for (const store of stores) await store.close()
    await node.rm(folder, { recursive: true, force: true })
  }
}

/**
 * Another process, which opens a store in the folder as `store`, and has done `work` once this resolves.
 *
 * @param {string} root
 * @param {string} work
 * @param {string} [then] what it does until it is killed; without that it ends
 */
export async function anotherProcess(root, work, then = "await store.close()") {
  const program = `
    import { openFsStore } from ${JSON.stringify(import.meta.resolve("@ckpt/fs"))}
    const store = await openFsStore(${JSON.stringify(root)})
    ${work}
    process.stdout.write("done")
    ${then}`
  const other = spawn(process.execPath, ["--no-warnings", "--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  })
  const ended = new Promise((resolve) => other.once("exit", resolve))
  const kill = async () => {
    other.kill("SIGKILL")
    await ended
  }
  others.push(kill)
  await Promise.race([
    new Promise((resolve) => other.stdout.once("data", resolve)),
    ended.then(() => Promise.reject(new Error("the other process has failed"))),
  ])
  return { pid: other.pid, kill }
}

/** @typedef {import("@ckpt/fs").FileApi} FileApi */

/**
 * The calls of Node, each told as it ends: its name, and the paths that it is about.
 *
 * @param {(name: string, path: string, to?: string) => void} told
 * @param {(name: string, path: string, flags?: unknown) => unknown} [before] is awaited before each call; an error is the call's answer
 * @param {{ underWay: number }} [calls] counts those that have not ended
 * @returns {FileApi}
 */
export function watched(told, before = () => undefined, calls = { underWay: 0 }) {
  /**
   * @template T
   * @param {[name: string, path: string, flags?: unknown]} what
   * @param {() => Promise<T>} call
   */
  const counted = async (what, call) => {
    calls.underWay++
    try {
      await before(...what)
      return await call()
    } finally {
      calls.underWay--
    }
  }
  /** @type {Record<string, unknown>} */
  const files = {}
  const { mkdir, rename, link, unlink, rmdir, lstat, stat, readdir, realpath } = node
  for (const [name, call] of Object.entries({ mkdir, rename, link, unlink, rmdir, lstat, stat, readdir, realpath })) {
    files[name] = async (/** @type {[string, string]} */ ...given) => {
      // @ts-expect-error: all of them take paths first
      const answer = await counted([name, given[0]], () => call(...given))
      told(name, given[0], given[1])
      return answer
    }
  }
  files["open"] = async (/** @type {[string, string]} */ ...given) => {
    const [path, flags] = given
    const file = await counted(["open", path, flags], () => node.open(...given))
    if (flags === "wx") told("create", path)
    /** @param {"write" | "writev" | "sync" | "datasync" | "read" | "stat" | "truncate" | "utimes" | "close"} name */
    const passed =
      (name) =>
      async (/** @type {unknown[]} */ ...args) => {
        // @ts-expect-error: the arguments are those of the method
        const answer = await counted([name, path], () => file[name](...args))
        told(name, path)
        return answer
      }
    const names = /** @type {const} */ ([
      "write",
      "writev",
      "sync",
      "datasync",
      "read",
      "stat",
      "truncate",
      "utimes",
      "close",
    ])
    return Object.fromEntries(names.map((name) => [name, passed(name)]))
  }
  return /** @type {FileApi} */ (files)
}

/**
 * @param {Variants} variants
 * @param {string[]} args
 */
export function commandOf(variants, ...args) {
  const own = variants["cli"]?.folder
  const bin =
    own === undefined ? fileURLToPath(new URL("../../../../cli/dist/bin.js", import.meta.url)) : join(own, "bin.js")
  const command = fileURLToPath(new URL("../command.mjs", import.meta.url))
  return { file: process.execPath, args: [command, JSON.stringify({ variants, bin }), ...args] }
}

/** A check that could not be run: neither a pass nor a failure. */
class Unrunnable extends Error {}

/**
 * Runs the command.
 *
 * @param {Variants} variants
 * @param {string[]} args
 * @returns {Promise<{ code: number, stdout: string, stderr: string }>}
 */
export async function ckpt(variants, ...args) {
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

/**
 * Flips a bit in the state of a checkpoint, as a disk may.
 *
 * @param {string} root
 * @param {number} id
 */
export async function damage(root, id) {
  const path = join(root, "checkpoints", `checkpoint_00000${id}`, "state.bin")
  const { atime, mtime } = await node.stat(path)
  const bytes = await node.readFile(path)
  bytes[0] = (bytes[0] ?? 0) ^ 1
  await node.writeFile(path, bytes)
  // A disk that rots changes no time.
  await node.utimes(path, atime, mtime)
}
