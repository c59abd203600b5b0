// What this backend refuses, it refuses by the contract's errors, and nothing is written.
import assert from "node:assert/strict"
import { test } from "node:test"
import { storage } from "./storage.mjs"

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
