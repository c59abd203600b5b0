import { mkdir, symlink, writeFile } from "node:fs/promises"
import { describe, expect, test } from "vitest"
import { FsBackend } from "../../src/backend.js"
import { body, checkpoint, fifo, keys, listed, manifestOf, rejection, rejections, stateOf } from "../backend/support.js"
import { temporaryFolder } from "../folder.js"

describe("list", () => {
  test("shows keys by a prefix that is text, and nothing of its neighbours", async () => {
    const root = await temporaryFolder()
    const backend = new FsBackend(root)
    for (const key of ["a/b", "a/b2/c", "ab/c", "b", "a/x/y/z"]) await backend.put(key, body(key))
    expect(await keys(backend)).toEqual(["a/b", "a/b2/c", "a/x/y/z", "ab/c", "b"])
    expect(await keys(backend, "a/")).toEqual(["a/b", "a/b2/c", "a/x/y/z"])
    expect(await keys(backend, "a")).toEqual(["a/b", "a/b2/c", "a/x/y/z", "ab/c"])
    expect(await keys(backend, "a/b")).toEqual(["a/b", "a/b2/c"])
    expect(await keys(backend, "a/b2/")).toEqual(["a/b2/c"])
    expect(await keys(backend, "a/x/y/z")).toEqual(["a/x/y/z"])
    expect(await keys(backend, "a/x/y/zz")).toEqual([])
    expect(await keys(backend, "none/at/all")).toEqual([])
    for (const prefix of ["../", "a/../b", "/", "a//", "a\\b/", "./"])
      expect((await rejection(keys(backend, prefix))).kind).toBe("permanent")
  })

  test("shows names that are taken, and hides what cannot be a key", async () => {
    const root = await temporaryFolder()
    const backend = new FsBackend(root)
    await backend.commit(checkpoint(1))
    const base = `${root}/checkpoints`
    await mkdir(`${base}/checkpoint_000002`)
    await mkdir(`${base}/checkpoint_000003/nested/deeper`, { recursive: true })
    await mkdir(`${base}/checkpoint_000004`)
    await writeFile(`${base}/checkpoint_000004/.tmp-0123456789abcdef`, "x")
    await symlink("/etc", `${base}/checkpoint_000005`)
    fifo(`${base}/checkpoint_000006`)
    await writeFile(`${base}/checkpoint_000007`, "a file")
    await mkdir(`${base}/checkpoint_000008/manifest.json`, { recursive: true })
    await mkdir(`${base}/.stage-0123456789abcdef`)
    await writeFile(`${base}/.stage-0123456789abcdef/state.bin`, "x")
    await writeFile(`${base}/.latest-0123456789abcdef`, "x")
    await writeFile(`${base}/.tmp-foreign`, "x")
    await writeFile(`${base}/line\nbreak`, "x")
    await writeFile(`${base}/back\\slash`, "x")
    await writeFile(Buffer.concat([Buffer.from(`${base}/`), Buffer.from([0x61, 0xff, 0xfe])]), "not UTF-8")
    const expected = [
      ".tmp-foreign",
      "checkpoint_000001/manifest.json",
      "checkpoint_000001/state.bin",
      "checkpoint_000002/",
      "checkpoint_000003/nested/deeper",
      "checkpoint_000004/",
      "checkpoint_000005",
      "checkpoint_000006",
      "checkpoint_000007",
      "checkpoint_000008/manifest.json",
      "latest.txt",
    ].map((name) => `checkpoints/${name}`)
    expect(await keys(backend)).toEqual(expected)
    expect(await keys(backend, "checkpoints/")).toEqual(expected)
    for (const key of expected) {
      expect((await keys(backend, key))[0]).toBe(key)
    }
    // As a prefix, these two are folders that are none.
    for (const key of ["checkpoints/checkpoint_000005/", "checkpoints/checkpoint_000006/"])
      expect((await rejection(keys(backend, key))).message).toContain("is a ")
    for (const { key, size } of await listed(backend)) if (key.endsWith("/")) expect(size).toBe(0)
    for (const key of ["checkpoints/checkpoint_000005/passwd", "checkpoints/checkpoint_000005/x/y"]) {
      for (const error of await rejections([backend.get(key), backend.head(key), backend.put(key, body("x"))]))
        expect(error.kind).toBe("damaged")
      expect((await backend.delete([key]))[0]?.error.kind).toBe("damaged")
    }
    // The empty store's own folder is not a name in it.
    await mkdir(`${root}/empty`)
    expect(await keys(backend, "empty")).toEqual([])
  })

  test("under constant change: never an error, never an object missing that was there all the time, never a part of one", async () => {
    const root = await temporaryFolder()
    const backend = new FsBackend(root)
    for (let id = 1; id <= 40; id++) await backend.commit(checkpoint(id))
    let running = true
    const change = async (from: number) => {
      for (let id = from; running; id += 4) {
        await backend.commit(checkpoint(id))
        await backend.delete([manifestOf(id)])
        await backend.delete([stateOf(id)])
      }
    }
    const changing = [100, 101, 102, 103].map(change)
    const stable = Array.from({ length: 40 }, (_, n) => [manifestOf(n + 1), stateOf(n + 1)]).flat()
    for (let round = 0; round < 30; round++) {
      const seen = new Set(await keys(backend, "checkpoints/"))
      expect(stable.filter((key) => !seen.has(key))).toEqual([])
      expect([...seen].filter((key) => /\.(tmp|stage|latest)-/.test(key))).toEqual([])
    }
    running = false
    await Promise.all(changing)
  })

  test("of 3,000 checkpoints is complete", async () => {
    const root = await temporaryFolder()
    const ids = Array.from({ length: 3000 }, (_, n) => n + 1)
    for (const id of ids) await mkdir(`${root}/${stateOf(id)}`.replace("/state.bin", ""), { recursive: true })
    await Promise.all(ids.map((id) => writeFile(`${root}/${manifestOf(id)}`, "m")))
    expect(await keys(new FsBackend(root), "checkpoints/")).toEqual(ids.map(manifestOf).sort())
  })
})
