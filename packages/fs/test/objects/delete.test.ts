import { mkdir, symlink } from "node:fs/promises"
import { describe, expect, test } from "vitest"
import { FsBackend } from "../../src/backend.js"
import { body, checkpoint, keys, manifestOf, stateOf, tree } from "../backend/support.js"
import { temporaryFolder } from "../folder.js"

describe("delete", () => {
  test("removes files, folders that became empty, markers; absent is success", async () => {
    const root = await temporaryFolder()
    const backend = new FsBackend(root)
    await backend.commit(checkpoint(1))
    await backend.put("a/b/c/d/e", body("x"))
    await mkdir(`${root}/checkpoints/checkpoint_000002`)
    await symlink("/etc", `${root}/checkpoints/checkpoint_000003`)
    const failures = await backend.delete([
      manifestOf(1),
      "none/at/all",
      manifestOf(9),
      "a/b/c/d/e",
      "a/none",
      "checkpoints/checkpoint_000002/",
      "checkpoints/checkpoint_000003/",
      "checkpoints/checkpoint_000009/",
    ])
    // A link that takes a name is not a leftover of ours: it stays, and is said to be there.
    expect(failures.map(({ key, error }) => [key, error.kind])).toEqual([["checkpoints/checkpoint_000003/", "damaged"]])
    expect(await tree(root)).toEqual([
      "a/",
      "checkpoints/",
      "checkpoints/checkpoint_000001/",
      "checkpoints/checkpoint_000001/state.bin",
      "checkpoints/checkpoint_000003",
      "checkpoints/latest.txt",
    ])
    // "x/" names no file: that is another key.
    expect(await backend.delete([`${stateOf(1)}/`])).toEqual([])
    expect(await backend.delete([stateOf(1)])).toEqual([])
    expect(await tree(root)).toEqual(["a/", "checkpoints/", "checkpoints/checkpoint_000003", "checkpoints/latest.txt"])
    expect(await backend.delete([])).toEqual([])
  })

  test("reports one failure for each key that is still there, and refuses bad keys alone", async () => {
    const root = await temporaryFolder()
    const backend = new FsBackend(root)
    await backend.put("a/b/c", body("x"))
    await backend.put("a/d", body("x"))
    const failures = await backend.delete(["a/d", "a/b", "a/b/", "../x"])
    expect(failures.map(({ key, error }) => [key, error.kind]).sort()).toEqual([
      ["../x", "permanent"],
      ["a/b", "damaged"],
      ["a/b/", "damaged"],
    ])
    expect(await keys(backend)).toEqual(["a/b/c"])
  })

  test("meets saves into the folder that it empties: each save ends up whole", async () => {
    const backend = new FsBackend(await temporaryFolder())
    let running = true
    const deleting = (async () => {
      while (running) expect(await backend.delete(["a/b/x"])).toEqual([])
    })()
    for (let n = 0; n < 200; n++) {
      // Two folders vanishing in a row make one write fail, as something to try again.
      await backend
        .put("a/b/x", body("x"))
        .catch((error: unknown) => expect(error).toMatchObject({ kind: "transient" }))
    }
    running = false
    await deleting
    await backend.put("a/b/x", body("x"))
    expect(await keys(backend)).toEqual(["a/b/x"])
  })
})
