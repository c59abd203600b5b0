// Checks of what the README of @ckpt/langgraph promises of checkpoints.
import assert from "node:assert/strict"
import { createHash } from "node:crypto"
import { FsBackend } from "@ckpt/fs"
import { CkptSaver } from "@ckpt/langgraph"
import { MemoryBackend } from "@ckpt/memory"
import { cutEverywhere, dayMs, first, ids, keys, large, put, thread, threeSteps, watched } from "./agent-support.mjs"
import { inFolder, latch, watched as watchedFiles } from "./support.mjs"

/** @typedef {import("./agent-support.mjs").Config} Config */

const corrupt = { code: "CKPT_CORRUPT" }

export const agentPrograms = {
  "cut off before any of its requests, a put leaves the thread as it was, or with the whole checkpoint": () =>
    cutEverywhere(
      (saver) => put(saver, thread(), "1", { text: large("a") }),
      (saver) => put(saver, thread(), "2", { text: large("b"), notes: large("c") }),
      async (saver, isDone) => {
        const found = await saver.getTuple(thread())
        assert.deepEqual(
          found?.checkpoint.channel_values,
          isDone ? { text: large("b"), notes: large("c") } : { text: large("a") },
        )
      },
    ),

  "what put and putWrites have resolved is there for another process": async () => {
    const backend = new MemoryBackend()
    const [one, other] = [new CkptSaver({ backend }), new CkptSaver({ backend })]
    const config = await put(one, thread(), "1", { text: large("a") })
    assert.equal((await other.getTuple(thread()))?.checkpoint.id, "1")
    await one.putWrites(config, [["out", 1]], "task")
    assert.deepEqual((await other.getTuple(thread()))?.pendingWrites, [["task", "out", 1]])
  },

  "a put syncs each file and folder before it resolves": () =>
    inFolder(async (root) => {
      /** Paths whose last change was not synced yet. */
      const unsynced = new Set()
      const folderOf = (/** @type {string} */ path) => path.slice(0, path.lastIndexOf("/"))
      const files = watchedFiles((name, path, to = "") => {
        if (name === "sync" || name === "unlink" || name === "rmdir") unsynced.delete(path)
        if (name === "write" || name === "writev") unsynced.add(path)
        if (name === "mkdir") unsynced.add(folderOf(path))
        if (name !== "rename" && name !== "link") return
        assert.ok(!unsynced.has(path), `${to} got its name before its bytes were synced`)
        unsynced.add(folderOf(to))
      })
      const saver = new CkptSaver({ backend: new FsBackend(root, { files }), ownsBackend: true })
      for (const id of ["1", "2"]) {
        await put(saver, thread(), id, { text: large(id) })
        assert.deepEqual([...unsynced], [], `resolved before these were synced: ${[...unsynced]}`)
      }
      await saver.close()
    }),

  "getTuple goes on to the latest checkpoint that verifies, tells it, and rejects if there is none": async () => {
    const backend = new MemoryBackend()
    /** @type {string[]} */
    const events = []
    const open = () =>
      new CkptSaver({ backend, onEvent: (event) => event.type === "damaged" && events.push(event.checkpointId) })
    const config = await threeSteps(open())
    const damage = async (/** @type {string} */ key) => {
      const chunks = []
      for await (const chunk of (await backend.get(key)).body) chunks.push(chunk)
      const bytes = Buffer.concat(chunks)
      // Still a checkpoint that can be read, of another source.
      bytes.write("lOop", bytes.lastIndexOf("loop"))
      await backend.put(key, [bytes])
    }
    const all = await keys(backend, "c/t/")
    const checkpoints = all.filter((key) => key.endsWith(".c"))
    await damage(checkpoints[0] ?? "")
    assert.equal((await open().getTuple(thread()))?.checkpoint.id, "2")
    assert.deepEqual(events, ["3"])
    await assert.rejects(open().getTuple(config), corrupt)
    for (const key of checkpoints.slice(1)) await damage(key)
    await assert.rejects(open().getTuple(thread()), corrupt)
  },

  "of two checkpoints under one id the first stays, and the other is CKPT_CONFLICT": async () => {
    const backend = new MemoryBackend()
    const [one, other] = [new CkptSaver({ backend }), new CkptSaver({ backend })]
    await put(one, thread(), "1", { step: 1 })
    await put(other, thread(), "1", { step: 1 })
    await assert.rejects(put(other, thread(), "1", { step: 2 }), { code: "CKPT_CONFLICT" })
    assert.deepEqual((await other.getTuple(thread()))?.checkpoint.channel_values, { step: 1 })
  },

  "writes of tasks at the same time are all kept; of one task the first hold, and of interrupts the last": async () => {
    const backend = new MemoryBackend()
    const savers = [new CkptSaver({ backend }), new CkptSaver({ backend })]
    const [one, other] = /** @type {[CkptSaver, CkptSaver]} */ (savers)
    const config = await put(one, thread(), "1", {})
    const tasks = ["a", "b", "c", "d"]
    await Promise.all(tasks.map((task, at) => (at % 2 ? one : other).putWrites(config, [["out", task]], task)))
    await one.putWrites(
      config,
      [
        ["out", "again"],
        ["__interrupt__", 1],
      ],
      "a",
    )
    await other.putWrites(config, [["__interrupt__", 2]], "a")
    assert.deepEqual((await other.getTuple(thread()))?.pendingWrites, [
      ["a", "__interrupt__", 2],
      ...tasks.map((task) => [task, "out", task]),
    ])
  },

  "two forks of a checkpoint, whose versions are the same, have their own values": async () => {
    const backend = new MemoryBackend()
    const saver = new CkptSaver({ backend })
    const config = await put(saver, thread(), "1", { text: large("x") })
    const forks = [
      await put(saver, config, "2", { text: large("a") }),
      await put(saver, config, "3", { text: large("b") }),
    ]
    for (const [at, text] of ["a", "b"].entries()) {
      const found = await saver.getTuple(/** @type {Config} */ (forks[at]))
      assert.deepEqual(found?.checkpoint.channel_values, { text: large(text) })
    }
  },

  "a large value that does not change is stored once a day": async () => {
    let day = 0
    const backend = new MemoryBackend()
    /** @type {string[]} */
    const stored = []
    const counted = watched(backend, (call, key) => call === "put" && key.startsWith("v/") && stored.push(key))
    const now = () => first + day * dayMs
    const clock = { now, monotonic: () => performance.now(), sleep: async () => {} }
    const saver = new CkptSaver({ backend: counted, clock })
    let config = thread()
    for (const id of ["1", "2", "3", "4", "5"]) {
      if (id === "4") day++
      config = await put(saver, config, id, { text: large("text"), step: id })
    }
    assert.equal(new Set(stored).size, stored.length)
    assert.equal(new Set(stored.map((key) => key.split("/")[2])).size, 2)
    assert.equal((await ids(new CkptSaver({ backend }))).length, 5)
  },

  "a history that grows by a message writes that message, and a few KiB before it": async () => {
    const backend = new MemoryBackend()
    const saver = new CkptSaver({ backend })
    const sizes = async () => {
      let sum = 0
      for await (const { size } of backend.list("")) sum += size
      return sum
    }
    /** @type {string[]} */
    const history = []
    let config = thread()
    let before = 0
    let written = 0
    const turns = 300
    for (let turn = 0; turn < turns; turn++) {
      history.push(createHash("shake256", { outputLength: 512 }).update(`${turn}`).digest("hex"))
      config = await put(saver, config, String(turn).padStart(4, "0"), { history: [...history] })
      const now = await sizes()
      if (turn >= turns / 2) written += now - before
      before = now
    }
    // Each of these turns has a history of 150 KiB and more.
    assert.ok(written / (turns / 2) < 24 * 1024, `${written / (turns / 2)} bytes a turn`)
    assert.deepEqual((await new CkptSaver({ backend }).getTuple(thread()))?.checkpoint.channel_values, { history })
  },

  "any text names a thread, a namespace and a task, and no two have keys that differ only in case": async () => {
    const backend = new MemoryBackend()
    const saver = new CkptSaver({ backend })
    const names = ["", "A", "a", ".", "..", "a/b", "_", "_41", "\ud800", "\0", "x".repeat(5000), `${"x".repeat(4999)}y`]
    for (const name of names) {
      const config = await put(saver, thread(name, name), "1", { name })
      await saver.putWrites(config, [["out", name]], name)
    }
    for (const name of names) {
      const found = await saver.getTuple(thread(name, name))
      assert.deepEqual([found?.checkpoint.channel_values, found?.pendingWrites], [{ name }, [[name, "out", name]]])
    }
    const folded = new Set((await keys(backend)).map((key) => key.toLowerCase()))
    assert.equal(folded.size, 2 * names.length)
  },

  "close() waits for a put between two of its requests": async () => {
    const [begun, free] = [latch(), latch()]
    const backend = new MemoryBackend()
    const slow = watched(backend, (call, key) => {
      if (call !== "put" || !key.startsWith("v/")) return undefined
      begun.resolve()
      return free.promise
    })
    const saver = new CkptSaver({ backend: slow })
    const stored = put(saver, thread(), "1", { text: large("text") }).catch((error) => error)
    await begun.promise
    const closed = saver.close()
    await assert.rejects(saver.getTuple(thread()), { code: "CKPT_CLOSED" })
    free.resolve()
    await closed
    assert.ok(!((await stored) instanceof Error), String(await stored))
    assert.deepEqual(await ids(new CkptSaver({ backend })), ["1"])
  },
}
