import { readdir, rename } from "node:fs/promises"
import { describe, expect, test } from "vitest"
import { FsBackend } from "../../src/backend.js"
import { openFsStore } from "../../src/index.js"
import { temporaryFolder } from "../folder.js"
import { bytes, checkpoint } from "./support.js"
import { watchFiles } from "./watched-files.js"

async function storeOf(count: number) {
  const files = watchFiles()
  const store = await openFsStore(`${await temporaryFolder()}/store`, { files })
  for (let id = 1; id <= count; id++) await store.saveNext({}, { state: [bytes("state")] })
  const callsOf = async (run: () => Promise<unknown>) => {
    await run()
    files.calls.length = 0
    await run()
    return files.calls.length
  }
  return { files, store, callsOf }
}

describe("file calls", () => {
  test("of reads in the steady state", async () => {
    const { store, callsOf } = await storeOf(3)
    await store.prune({ last: 1 })
    expect({
      load: await callsOf(() => store.load(3)),
      loadLatest: await callsOf(() => store.loadLatest()),
      recover: await callsOf(() => store.recover()),
    }).toEqual({ load: 15, loadLatest: 25, recover: 29 })
    await store.close()
  })

  test("of a listing: one readdir and two lstats for each checkpoint", async () => {
    const { store, callsOf } = await storeOf(40)
    const few = await callsOf(() => store.ids())
    for (let id = 41; id <= 50; id++) await store.saveNext({}, { state: [bytes("state")] })
    expect((await callsOf(() => store.ids())) - few).toBe(10 * 3)
    await store.close()
  })

  test("of a prune that removes nothing: each folder once for the listing, and once for what unfinished saves left", async () => {
    const { store, callsOf } = await storeOf(40)
    const prune = () => store.prune({ last: 100 })
    const few = await callsOf(prune)
    for (let id = 41; id <= 50; id++) await store.saveNext({}, { state: [bytes("state")] })
    // What was verified once is not read again.
    expect((await callsOf(prune)) - few).toBe(10 * (3 + 1))
    await store.close()
  })
})

test("a look that hangs keeps no later reader waiting", async () => {
  const root = `${await temporaryFolder()}/store`
  let hangs = false
  const files = watchFiles({
    before: ({ name, path }) =>
      hangs && name === "lstat" && path.endsWith("/checkpoints") ? new Promise(() => {}) : undefined,
  })
  const backend = new FsBackend(root, { files })
  await backend.commit(checkpoint(1))
  hangs = true
  void backend.head("checkpoints/latest.txt")
  await new Promise((resolve) => setImmediate(resolve))
  hangs = false
  expect(await backend.head("checkpoints/latest.txt")).toBeDefined()
})

describe("a save that makes its stage while it looks at the place", () => {
  /** A backend that has written, whose look at its root waits until the stage of the next commit is made. */
  async function lookingLate() {
    const root = `${await temporaryFolder()}/store`
    let made: (() => void) | undefined
    let waiting: Promise<void> | undefined
    const files = watchFiles({
      before: ({ name, path }) => (name === "lstat" && path === root ? waiting : undefined),
      after: ({ name }) => {
        if (name === "mkdir") made?.()
      },
    })
    const backend = new FsBackend(root, { files })
    await backend.commit(checkpoint(1))
    waiting = new Promise((resolve) => {
      made = resolve
    })
    return { root, backend, names: async () => (await readdir(`${root}/checkpoints`)).sort() }
  }

  test("ends, and nothing else is there", async () => {
    const { backend, names } = await lookingLate()
    await backend.commit(checkpoint(2))
    expect(await names()).toEqual(["checkpoint_000001", "checkpoint_000002", "latest.txt"])
  })

  test("leaves nothing where the name is taken", async () => {
    const { backend, names } = await lookingLate()
    expect(await backend.commit(checkpoint(1))).toBe("unsupported")
    expect(await names()).toEqual(["checkpoint_000001", "latest.txt"])
  })

  test("leaves nothing where somebody claimed", async () => {
    const { root, backend, names } = await lookingLate()
    const other = await new FsBackend(root).claim({ prefix: "" })
    await expect(backend.commit(checkpoint(2))).rejects.toMatchObject({ kind: "fenced" })
    expect(await names()).toEqual(["checkpoint_000001", "latest.txt"])
    await other.backend[Symbol.asyncDispose]()
  })

  test("leaves nothing in another folder that is in the place of the root", async () => {
    const { root, backend, names } = await lookingLate()
    await new FsBackend(`${root}-other`).commit(checkpoint(5))
    await rename(root, `${root}-away`)
    await rename(`${root}-other`, root)
    await expect(backend.commit(checkpoint(2))).rejects.toMatchObject({ kind: "transient" })
    expect(await names()).toEqual(["checkpoint_000005", "latest.txt"])
  })
})
