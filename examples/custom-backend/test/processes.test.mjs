// The two faults that the suite cannot see from inside one process.
import assert from "node:assert/strict"
import { fork } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"
import { test } from "node:test"
import { fileURLToPath } from "node:url"
import { openCheckpointStore } from "@ckpt/core"
import { lmdbBackend, openLmdb } from "@ckpt-examples/custom-backend"
import { stateOf } from "./state.mjs"
import { temporaryFolder } from "./storage.mjs"

/** @param {import("node:test").TestContext} context */
function temporaryPath(context) {
  const { path, remove } = temporaryFolder()
  context.after(remove)
  return path
}

/**
 * @param {string} name
 * @param {string[]} args
 */
function start(name, args) {
  const file = fileURLToPath(new URL(`process/${name}.mjs`, import.meta.url))
  return fork(file, args, { stdio: ["ignore", "pipe", "inherit", "ipc"] })
}

test("killed at any moment, and started again: every acknowledged checkpoint is there, and whole", async (context) => {
  const path = temporaryPath(context)
  let acknowledged = 0
  let looked = 0
  const rounds = 16
  // In each round it is killed one line of its output later.
  for (let lines = 1; lines <= rounds; lines++) {
    const child = start("saving", [path])
    if (child.stdout === null) throw new Error("its output is piped")
    let left = lines
    for await (const line of createInterface(child.stdout)) {
      const [, id] = /^saved (\d+)$/.exec(line) ?? []
      if (id !== undefined) acknowledged = Number(id)
      if (--left === 0) child.kill("SIGKILL")
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit")
    assert.equal(child.signalCode, "SIGKILL")

    const file = openLmdb(path)
    const store = await openCheckpointStore({ backend: lmdbBackend(file) })
    const ids = await store.ids()
    assert.deepEqual(
      ids,
      Array.from(ids, (_, index) => index + 1),
    )
    assert.ok(ids.length >= acknowledged, `${acknowledged} were acknowledged, ${ids.length} are there`)
    // In the last round, all of them once more.
    for (const id of lines === rounds ? ids : ids.slice(looked)) {
      const expected = []
      for await (const chunk of stateOf(id)) expected.push(chunk)
      const state = await (await store.readState(id))?.bytes()
      assert.ok(state !== undefined && Buffer.concat(expected).equals(state), `the state of ${id}`)
    }
    looked = ids.length
    await store.close()
    await file.env.close()
  }
  assert.ok(acknowledged > 20)
})

test("processes that race: each key has one winner, and no increment is lost", async (context) => {
  const path = temporaryPath(context)
  const file = openLmdb(path)
  const backend = lmdbBackend(file)
  await backend.put("counter", [Buffer.from("0")])
  const [keys, increments] = [200, 100]
  const children = Array.from({ length: 4 }, () => start("racing", [path, `${keys}`, `${increments}`]))
  await Promise.all(children.map((child) => once(child, "message")))
  const ends = children.map((child) => once(child, "message"))
  for (const child of children) child.send("go")
  const won = (await Promise.all(ends)).map(([{ won }]) => won)
  assert.deepEqual(
    won.flat().sort((a, b) => a - b),
    Array.from({ length: keys }, (_, key) => key),
  )
  for (const [index, child] of children.entries())
    for (const key of won[index]) assert.equal(await text(backend, `race/${key}`), `${child.pid}`)
  assert.equal(await text(backend, "counter"), `${children.length * increments}`)
  await file.env.close()
})

test("what another process was told is durable is there at once, also for a process that has just read", async (context) => {
  const path = temporaryPath(context)
  const file = openLmdb(path)
  const backend = lmdbBackend(file)
  const child = start("counting", [path])
  let isCounting = true
  const reading = async () => {
    while (isCounting) await backend.head("number")
  }
  const counting = async () => {
    try {
      for (let number = 1; number <= 300; number++) {
        child.send(number)
        await once(child, "message")
        assert.equal(await text(backend, "number"), `${number}`)
      }
    } finally {
      isCounting = false
      child.disconnect()
    }
  }
  const results = await Promise.allSettled([counting(), reading(), once(child, "exit")])
  await file.env.close()
  for (const result of results) if (result.status === "rejected") throw result.reason
})

/**
 * @param {import("@ckpt/core").ObjectBackend} backend
 * @param {string} key
 */
async function text(backend, key) {
  let text = ""
  for await (const chunk of (await backend.get(key))?.body ?? []) text += Buffer.from(chunk).toString()
  return text
}
