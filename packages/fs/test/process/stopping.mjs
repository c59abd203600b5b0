// Operations of a store, each stopped by this process itself (SIGSTOP) right before its k-th call that changes something:
// stopping.mjs <operation> plain|claimed sees|blind <silentAfterMs>, then lines "<k> <root>" on its input
import { writeSync } from "node:fs"
import * as node from "node:fs/promises"
import { createInterface } from "node:readline"
import { openFsStore } from "@ckpt/fs"
import { contentsOf, manifestOf } from "./workload.mjs"

const [name, mode, eyes, silentAfterMs] = process.argv.slice(2)
const changing = new Set([
  "mkdir",
  "rename",
  "link",
  "unlink",
  "rmdir",
  "write",
  "writev",
  "utimes",
  "sync",
  "datasync",
])
const isClaims = (path) => String(path).includes("/.claims")
let fatal = 0
let calls = 0

function counted(path, call) {
  if (fatal > 0 && !isClaims(path) && ++calls === fatal) process.kill(process.pid, "SIGSTOP")
  return call()
}

/** As an open file, or all files, with each call that changes something counted. */
function watched(object, pathOf, others = {}) {
  return new Proxy(object, {
    get(target, property) {
      if (others[property] !== undefined) return others[property]
      const value = Reflect.get(target, property)
      if (typeof value !== "function") return value
      if (!changing.has(property)) return value.bind(target)
      return (...args) => counted(pathOf(args), () => value.apply(target, args))
    },
  })
}

const missing = () => Promise.reject(Object.assign(new Error("ENOENT: not looked at"), { code: "ENOENT" }))

const files = watched({ ...node }, ([path]) => path, {
  open: async (path, flags, mode) => {
    const open = () => node.open(path, flags, mode)
    const handle = await (typeof flags === "string" ? counted(path, open) : open())
    return watched(handle, () => path)
  },
  // For the test of the test: a writer that does not look for claims.
  ...(eyes === "blind" && { lstat: (path, options) => (isClaims(path) ? missing() : node.lstat(path, options)) }),
})

const operations = {
  save: (store) => store.save(manifestOf(4), contentsOf(4)),
  adopt: (store) => store.save(manifestOf(4), contentsOf(4)),
  update: (store) =>
    store.update(3, (current) => ({ ...current, sinkCommitStatuses: { out: { status: "committed" } } })),
  pin: (store) => store.pin(2, "release").then(() => "pinned"),
  prune: (store) => store.prune({ last: 1 }),
  remove: (store) => store.remove(1),
  collectOrphans: (store) => store.collectOrphans({ olderThanMs: 0 }),
}

async function run(k, root) {
  const plain = await openFsStore(root, { files, silentAfterMs: Number(silentAfterMs) })
  const store = mode === "claimed" ? await plain.claim() : plain
  calls = 0
  fatal = k
  let result
  try {
    result = { ok: await operations[name](store) }
  } catch (error) {
    result = { code: error.code ?? String(error), message: error.message, applied: error.applied }
  }
  fatal = 0
  await store.close()
  await plain.close()
  return { k, reached: calls >= k, result }
}

for await (const line of createInterface({ input: process.stdin })) {
  const [k, root] = line.split(" ")
  writeSync(1, `${JSON.stringify(await run(Number(k), root))}\n`)
}
