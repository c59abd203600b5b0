// What the checks of @ckpt/langgraph share.
import { BackendError } from "@ckpt/fs"
import { CkptSaver } from "@ckpt/langgraph"
import { MemoryBackend } from "@ckpt/memory"

/** @typedef {import("@ckpt/fs").ObjectBackend} ObjectBackend */
/** @typedef {Parameters<CkptSaver["put"]>[0]} Config */
/** @typedef {Parameters<CkptSaver["put"]>[1]} Checkpoint */
/** @typedef {Parameters<CkptSaver["put"]>[2]} Metadata */

export const dayMs = 24 * 60 * 60 * 1000
export const first = 1_700_000_000_000
/** A value that does not fit into its checkpoint's object. */
export const large = (/** @type {string} */ text) => text.repeat(Math.ceil(20_000 / text.length))
export const thread = (thread_id = "t", checkpoint_ns = "") => ({ configurable: { thread_id, checkpoint_ns } })

/**
 * Stores a checkpoint whose values are all new.
 *
 * @param {CkptSaver} saver
 * @param {Config} config
 * @param {string} id
 * @param {Record<string, unknown>} channel_values
 * @param {object} [more] of the metadata
 */
export function put(saver, config, id, channel_values, more = {}) {
  const channel_versions = Object.fromEntries(Object.keys(channel_values).map((channel) => [channel, 1]))
  const ts = new Date(first).toISOString()
  const checkpoint = /** @type {Checkpoint} */ ({ v: 4, id, ts, channel_values, channel_versions, versions_seen: {} })
  const metadata = /** @type {Metadata} */ ({ source: "loop", step: 0, parents: {}, ...more })
  return saver.put(config, checkpoint, metadata, channel_versions)
}

/**
 * The ids of a thread, the latest first. Each of its checkpoints is read as a whole.
 *
 * @param {CkptSaver} saver
 * @param {string} [name]
 */
export async function ids(saver, name = "t") {
  const found = []
  for await (const { checkpoint } of saver.list(thread(name))) found.push(checkpoint.id)
  return found
}

/** @param {ObjectBackend} backend */
export async function keys(backend, prefix = "") {
  const found = []
  for await (const { key } of backend.list(prefix)) if (!key.includes(".ckpt-probe")) found.push(key)
  return found.sort()
}

/**
 * @param {ObjectBackend} backend
 * @param {(call: string, key: string) => unknown} before is awaited before each call; an error is the call's answer
 */
export function watched(backend, before) {
  return new Proxy(backend, {
    get(target, name) {
      const member = Reflect.get(target, name, target)
      if (typeof member !== "function" || !["put", "get", "head", "delete"].includes(String(name))) {
        return typeof member === "function" ? member.bind(target) : member
      }
      return async (/** @type {unknown[]} */ ...given) => {
        await before(String(name), String(given[0]))
        return member.apply(target, given)
      }
    },
  })
}

/**
 * Lets an operation make ever more requests that change something, as by the end of its process, until it makes all.
 *
 * @param {(saver: CkptSaver) => Promise<unknown>} prepare
 * @param {(saver: CkptSaver) => Promise<unknown>} operation
 * @param {(saver: CkptSaver, isDone: boolean) => Promise<void>} check
 */
export async function cutEverywhere(prepare, operation, check) {
  for (let allowed = 0; ; allowed++) {
    const backend = new MemoryBackend()
    await prepare(new CkptSaver({ backend }))
    let left = allowed
    let wasCut = false
    const cut = watched(backend, (call, key) => {
      if ((call !== "put" && call !== "delete") || key.includes(".ckpt-probe") || left-- > 0) return
      wasCut = true
      throw new BackendError("permanent", "the process has ended")
    })
    await operation(new CkptSaver({ backend: cut, retry: { attempts: 1 } })).catch(() => {})
    await check(new CkptSaver({ backend }), !wasCut)
    if (!wasCut) return
  }
}

/** @param {CkptSaver} saver */
export async function threeSteps(saver) {
  let config = thread()
  for (const id of ["1", "2", "3"]) {
    config = await put(saver, config, id, { text: large(id) })
    await saver.putWrites(config, [["out", id]], "task")
  }
  return config
}
