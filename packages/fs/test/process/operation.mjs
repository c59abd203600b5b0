// One operation of a store, killed by this process itself at its n-th file call:
// operation.mjs <name> <root> before|after <n> <every>
import { writeSync } from "node:fs"
import * as node from "node:fs/promises"
import { openFsStore } from "@ckpt/fs"
import { contentsOf, manifestOf, stateOf } from "./workload.mjs"

const [name, root, when, number, every] = process.argv.slice(2)
const fatal = Number(number)
let calls = 0

/** Death at a call that only looks leaves what death at its neighbours leaves, so those count only if every call does. */
async function counted(changes, call) {
  const mine = changes || every === "every" ? ++calls : 0
  if (when === "before" && mine === fatal) process.kill(process.pid, "SIGKILL")
  try {
    return await call()
  } finally {
    if (when === "after" && mine === fatal) process.kill(process.pid, "SIGKILL")
  }
}

const wrapped = (object, changes, methods) =>
  Object.fromEntries(methods.map((method) => [method, (...args) => counted(changes, () => object[method](...args))]))

const files = {
  ...wrapped(node, true, ["mkdir", "rename", "link", "unlink", "rmdir"]),
  ...wrapped(node, false, ["lstat", "stat", "readdir", "realpath"]),
  open: async (path, flags, mode) => {
    const handle = await counted(typeof flags === "string", () => node.open(path, flags, mode))
    return {
      ...wrapped(handle, true, ["write", "writev", "truncate", "utimes", "datasync", "sync"]),
      ...wrapped(handle, false, ["read", "stat", "close"]),
    }
  },
}

/** Before anything else happens: what is said here must hold, whenever the kill comes. */
const say = (line) => writeSync(1, `${line}\n`)

const operations = {
  async firstSave(store) {
    say(`ack ${(await store.save(manifestOf(1), contentsOf(1))).id}`)
  },
  async saveAndRetain(store) {
    say(`ack ${(await store.save(manifestOf(6), contentsOf(6))).id}`)
  },
  async update(store) {
    await store.update(4, (current) => ({ ...current, sinkCommitStatuses: { out: { status: "committed" } } }))
    say("updated")
  },
  async collectOrphans(store) {
    const { failures } = await store.collectOrphans({ olderThanMs: 0 })
    if (failures.length > 0) throw failures[0].error
    say("collected")
  },
  async stateThenSave(store) {
    await store.writeState(5, stateOf(5))
    say("written")
    say(`ack ${(await store.save(manifestOf(5))).id}`)
  },
}

const store = await openFsStore(root, {
  files,
  ...(name === "saveAndRetain" ? { retain: { last: 2 } } : {}),
  onEvent: (event) => {
    if (event.type === "retention-failed") say(`retention-failed ${event.error.message}`)
  },
})
try {
  await operations[name](store)
} catch (error) {
  say(`rejected ${error.code} ${error.message}`)
}
await store.close()
say(`calls ${calls}`)
