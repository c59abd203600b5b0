import { expect, test } from "vitest"
import { BackendError, openObjects } from "../../src/index.js"
import { bytes, Objects as Memory, rejectionOf } from "../mistakes/support.js"
import { OwnedClock } from "../owned-clock.js"

/** A storage that loses the answer to one write, after which another writer replaces the object. */
class Overtaken extends Memory {
  overtakes = false

  override async put(...[key, body, options]: Parameters<Memory["put"]>) {
    const meta = await super.put(key, body, options)
    if (!this.overtakes) return meta
    this.overtakes = false
    await super.put(key, [new Uint8Array(await theirs())])
    throw new BackendError("ambiguous", "no answer")
  }
}

/** An object of another writer under the key "a". */
async function theirs(): Promise<Uint8Array> {
  const backend = new Memory()
  await openObjects(backend).create("a", bytes("theirs"))
  return backend.stored.get("a")?.bytes ?? new Uint8Array()
}

function opened() {
  const backend = new Overtaken()
  return { backend, objects: openObjects(backend, { clock: new OwnedClock(), random: () => 0 }) }
}

test("a replacement whose answer was lost, and whose object another writer replaced since, is unknown", async () => {
  const { backend, objects } = opened()
  const { version } = await objects.create("a", bytes("first"))
  backend.overtakes = true
  const error = await rejectionOf(() => objects.replace("a", bytes("ours"), { version }))
  expect(error).toMatchObject({ code: "CKPT_UNKNOWN_OUTCOME", retryable: true, key: "a" })
})

test("so is a creation; the same call then hears for certain that other bytes are there", async () => {
  const { backend, objects } = opened()
  await objects.create("first", bytes("x"))
  backend.overtakes = true
  const error = await rejectionOf(() => objects.create("a", bytes("ours")))
  expect(error).toMatchObject({ code: "CKPT_UNKNOWN_OUTCOME", retryable: true, key: "a" })
  expect(await rejectionOf(() => objects.create("a", bytes("ours")))).toMatchObject({ code: "CKPT_CONFLICT" })
})
