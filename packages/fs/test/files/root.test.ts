import { mkdir, readdir, rename, symlink, writeFile } from "node:fs/promises"
import { describe, expect, test } from "vitest"
import { FsBackend } from "../../src/backend.js"
import {
  body,
  bytes,
  checkpoint,
  keys,
  listed,
  manifestOf,
  pointerKey,
  rejections,
  stateOf,
  textAt,
  tree,
} from "../backend/support.js"
import { temporaryFolder } from "../folder.js"

describe("the root", () => {
  test("may be a symbolic link; relative; with a trailing slash; and share its lock under both names", async () => {
    const folder = await temporaryFolder()
    await mkdir(`${folder}/real`)
    await symlink(`${folder}/real`, `${folder}/link`)
    const linkedRoot = new FsBackend(`${folder}/link/`)
    await linkedRoot.commit(checkpoint(1))
    expect(await textAt(new FsBackend(`${folder}/real`), manifestOf(1))).toBe("manifest 1")
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, n) => new FsBackend(`${folder}/${n % 2 ? "real" : "link"}`).commit(checkpoint(2))),
    )
    expect(results.filter((result) => result.status === "fulfilled" && result.value !== "unsupported")).toHaveLength(1)
  })

  test("that was moved, with a link in its old place, is the same root, and has the same lock", async () => {
    const folder = await temporaryFolder()
    await mkdir(`${folder}/old/store`, { recursive: true })
    const before = new FsBackend(`${folder}/old/store`)
    await before.commit(checkpoint(1))
    await rename(`${folder}/old`, `${folder}/new`)
    await symlink(`${folder}/new`, `${folder}/old`)
    const after = new FsBackend(`${folder}/new/store`)
    const racers = Array.from({ length: 20 }, (_, n) => (n % 2 ? before : after).commit(checkpoint(2)))
    const results = await Promise.allSettled(racers)
    expect(results.filter((result) => result.status === "fulfilled" && result.value !== "unsupported")).toHaveLength(1)
    expect(await keys(before)).toEqual(await keys(after))
  })

  test("that is a dangling link is an outage, not an empty store; so is a file, and a folder below a file", async () => {
    const folder = await temporaryFolder()
    await symlink(`${folder}/unmounted`, `${folder}/link`)
    await writeFile(`${folder}/file`, "x")
    for (const root of [`${folder}/link`, `${folder}/link/store`, `${folder}/file`, `${folder}/file/store`]) {
      const backend = new FsBackend(root)
      for (const error of await rejections([
        backend.get("a/b"),
        backend.head("a/b"),
        listed(backend),
        backend.put("a/b", body("x")),
        backend.commit(checkpoint(1)),
        backend.delete(["a/b"]).then(([failure]) => {
          throw failure?.error
        }),
        backend.leftovers({ olderThanMs: 0, prefix: "" }),
      ])) {
        expect(error.kind).toBe("permanent")
      }
    }
    expect(await tree(folder)).toEqual(["file", "link"])
  })

  test("with `checkpoints` as a symbolic link: every access says to point at the real folder", async () => {
    const root = await temporaryFolder()
    await mkdir(`${root}/elsewhere`)
    await symlink(`${root}/elsewhere`, `${root}/checkpoints`)
    const backend = new FsBackend(root)
    for (const error of await rejections([
      backend.get(manifestOf(1)),
      backend.head(manifestOf(1)),
      listed(backend, "checkpoints/"),
      backend.put(manifestOf(1), body("x")),
      backend.commit(checkpoint(1)),
      backend.delete([manifestOf(1)]).then(([failure]) => {
        throw failure?.error
      }),
    ])) {
      expect(error.kind).toBe("permanent")
      expect(error.message).toContain("Point the root at the real folder")
    }
    expect(await readdir(`${root}/elsewhere`)).toEqual([])
  })

  test("is refused where it cannot be a path", () => {
    for (const root of ["", "a\0b", undefined, 5]) expect(() => new FsBackend(root as string)).toThrow(/root/)
  })
})

test("a root that is moved away while the backend lives is an outage; a backend that is made anew begins anew", async () => {
  const folder = await temporaryFolder()
  const backend = new FsBackend(`${folder}/store`)
  await backend.commit(checkpoint(1))
  await rename(`${folder}/store`, `${folder}/old`)
  const isGone = { kind: "transient", message: expect.stringContaining("is gone") }
  await expect(keys(backend)).rejects.toMatchObject(isGone)
  await expect(backend.commit(checkpoint(1))).rejects.toMatchObject(isGone)
  const anew = new FsBackend(`${folder}/store`)
  expect(await keys(anew)).toEqual([])
  await anew.commit(checkpoint(1))
  await anew.put(manifestOf(2), [bytes("m")], { when: "absent" })
  expect(await keys(anew)).toEqual([manifestOf(1), stateOf(1), manifestOf(2), pointerKey])
})
