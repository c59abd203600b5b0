// What this backend refuses, it refuses by the contract's errors, and nothing is written.
import assert from "node:assert/strict"
import { fork } from "node:child_process"
import { once } from "node:events"
import { test } from "node:test"
import { fileURLToPath } from "node:url"
import { storage, temporaryFolder } from "./storage.mjs"

const isPermanent = { name: "BackendError", kind: "permanent" }

test("a body of more than 256 MiB is refused", async (context) => {
  const { open, dispose } = storage()
  context.after(dispose)
  const backend = open()
  const chunk = new Uint8Array(1 << 20)
  const body = Array.from({ length: 257 }, () => chunk)
  await assert.rejects(backend.put("long", body), isPermanent)
  assert.equal(await backend.head("long"), undefined)
})

test("a key of 1978 bytes works, and a longer one is refused", async (context) => {
  const { open, dispose } = storage()
  context.after(dispose)
  const backend = open()
  const key = "k".repeat(1978)
  await backend.put(key, [Buffer.from("x")], { when: "absent" })
  assert.equal((await backend.head(key))?.size, 1)
  for (const longer of [`${key}k`, key.repeat(3)]) {
    await assert.rejects(backend.put(longer, [Buffer.from("x")]), isPermanent)
    await assert.rejects(backend.commit?.({ create: [{ key: longer, body: [] }] }) ?? Promise.resolve(), isPermanent)
  }
  assert.equal(await backend.head(`${key}k`), undefined)
  const keys = []
  for await (const meta of backend.list("")) keys.push(meta.key)
  assert.deepEqual(keys, [key])
})

test("where the file cannot grow, a save fails, all before it stay, and saves go on once there is room", async (context) => {
  const { path, remove } = temporaryFolder()
  context.after(remove)
  const program = fileURLToPath(new URL("process/filling.mjs", import.meta.url))
  // No file of this shell's may have more than 4096 blocks of 512 bytes. The shell becomes the program.
  const script = 'trap "" XFSZ; ulimit -f 4096; exec "$0" "$@"'
  const options = { execPath: "/bin/sh", execArgv: ["-c", script] }
  const child = fork(process.execPath, [program, path], { ...options, stdio: ["ignore", "inherit", "pipe", "ipc"] })
  child.stderr?.resume() // where LMDB tells of it too
  /** @type {any} */
  let told
  child.once("message", (message) => {
    told = message
  })
  assert.deepEqual(await once(child, "exit"), [0, null])
  assert.match(told.code, /^CKPT_(UNKNOWN_OUTCOME|FULL)$/)
  assert.ok(told.last > 3)
  assert.equal(told.recovered, told.last)
})
