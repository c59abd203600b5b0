import { mkdir } from "node:fs/promises"
import { gate } from "@ckpt/conformance"
import { beforeEach, describe, expect, test } from "vitest"
import { FsBackend } from "../../src/backend.js"
import {
  body,
  checkpoint,
  folderOf,
  forgetProcess,
  manifestOf,
  pointerKey,
  preparedRoot,
  rejection,
  stateOf,
  textAt,
  tree,
} from "../backend/support.js"
import { errno, watchFiles } from "../backend/watched-files.js"
import { temporaryFolder } from "../folder.js"

beforeEach(forgetProcess)

describe("a failed sync", () => {
  test("of a new file is never repeated on that file", async () => {
    const root = await preparedRoot()
    const failed = new Set<number>()
    const files = watchFiles({
      before: ({ name, file, path }) => {
        if (name !== "sync" || !/\.tmp-|\.stage-|\.latest-/.test(path)) return
        expect(failed.has(file!)).toBe(false)
        failed.add(file!)
        throw errno("EIO")
      },
    })
    const backend = new FsBackend(root, { files })
    for (let n = 0; n < 3; n++) {
      expect((await rejection(backend.commit(checkpoint(2)))).kind).toBe("permanent")
      expect((await rejection(backend.put("a/b", body("x")))).kind).toBe("permanent")
    }
    expect(failed.size).toBe(15)
  })

  test("of the directory after a commit: that id is in doubt until the process ends, other ids and the pointer are not", async () => {
    const root = await preparedRoot()
    let failing = true
    const files = watchFiles({
      before: ({ name, path }) => {
        if (failing && name === "sync" && path.endsWith("/checkpoints") && files.count("rename") > 0) throw errno("EIO")
      },
    })
    const backend = new FsBackend(root, { files })
    expect(await rejection(backend.commit(checkpoint(2)))).toMatchObject({ kind: "ambiguous", unsettleable: true })
    failing = false
    for (const other of [backend, new FsBackend(root)]) {
      expect(await rejection(other.commit(checkpoint(2)))).toMatchObject({ kind: "ambiguous", unsettleable: true })
      expect(await rejection(other.put(stateOf(2), body("x"), { when: "absent" }))).toMatchObject({
        kind: "ambiguous",
        unsettleable: true,
      })
      expect(await rejection(other.put(manifestOf(2), body("x")))).toMatchObject({
        kind: "ambiguous",
        unsettleable: true,
      })
    }
    await backend.commit(checkpoint(3))
    expect(await textAt(backend, pointerKey)).toBe(folderOf(3))
    // Reading what is there is no promise.
    expect(await textAt(backend, manifestOf(2))).toBe("manifest 2")
  })

  test("of a folder takes the changes of others with it: a later sync that succeeds proves nothing for them", async () => {
    const root = await preparedRoot()
    const [first, second] = [gate(), gate()]
    let syncs = 0
    const files = watchFiles({
      before: async ({ name, path }) => {
        if (name !== "sync" || !path.endsWith("/a")) return
        syncs++
        if (syncs === 1) return
        if (syncs === 2) {
          first.open()
          return second.passed
        }
        throw errno("EIO")
      },
    })
    const backend = new FsBackend(root, { files })
    await backend.put("a/before", body("x"))
    const one = rejection(backend.put("a/one", body("1")))
    await first.passed
    const two = await rejection(backend.put("a/two", body("2")))
    second.open()
    for (const error of [await one, two]) expect(error).toMatchObject({ kind: "ambiguous", unsettleable: true })
    expect((await one).message).toContain("another sync of its directory failed")
  })

  test("of a replacement: the next one that is synced ends the doubt", async () => {
    const root = await preparedRoot()
    let failing = true
    const files = watchFiles({
      before: ({ name, path }) => {
        if (failing && name === "sync" && path.endsWith("/a") && files.count("rename") > 0) throw errno("EIO")
      },
    })
    const backend = new FsBackend(root, { files })
    expect(await rejection(backend.put("a/b", body("new")))).toMatchObject({ kind: "ambiguous", unsettleable: true })
    failing = false
    expect(await rejection(backend.put("a/b", body("x"), { when: "absent" }))).toMatchObject({
      kind: "ambiguous",
      unsettleable: true,
    })
    await backend.put("a/b", body("newer"))
    expect(await rejection(backend.put("a/b", body("x"), { when: "absent" }))).toMatchObject({ kind: "precondition" })
  })

  test("of a new directory's entry: it is removed again, and the next attempt starts afresh", async () => {
    const root = `${await temporaryFolder()}/x/store`
    let failing = true
    const files = watchFiles({
      before: ({ name, path }) => {
        if (failing && name === "sync" && path === root) throw errno("EIO")
      },
    })
    const backend = new FsBackend(root, { files })
    expect((await rejection(backend.commit(checkpoint(1)))).kind).toBe("permanent")
    expect(await tree(root)).toEqual([])
    failing = false
    expect(await backend.commit(checkpoint(1))).toHaveLength(2)
  })

  test("of an entry that was there already: nothing below it can be confirmed any more by this process", async () => {
    const root = await temporaryFolder()
    await mkdir(`${root}/checkpoints`)
    let failing = true
    const files = watchFiles({
      before: ({ name, path }) => {
        if (failing && name === "sync" && path === root) throw errno("EIO")
      },
    })
    expect((await rejection(new FsBackend(root, { files }).commit(checkpoint(1)))).kind).toBe("permanent")
    failing = false
    expect(await rejection(new FsBackend(root, { files }).commit(checkpoint(1)))).toMatchObject({
      kind: "ambiguous",
      unsettleable: true,
    })
    forgetProcess()
    expect(await new FsBackend(root, { files }).commit(checkpoint(1))).toHaveLength(2)
  })
})
