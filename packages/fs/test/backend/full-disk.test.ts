import { execFileSync } from "node:child_process"
import { chmod, mkdir, readdir, rm, writeFile } from "node:fs/promises"
import type { TestContext } from "vitest"
import { describe, expect, onTestFinished, test } from "vitest"
import { FsBackend } from "../../src/backend.js"
import { temporaryFolder } from "../folder.js"
import {
  body,
  bytes,
  checkpoint,
  isTemporary,
  keys,
  manifestOf,
  read,
  rejection,
  rejections,
  skipUnlessCi,
  stateOf,
  stream,
  textAt,
  tree,
} from "./support.js"
import { watchFiles } from "./watched-files.js"

/** A filesystem of our own, or the test is skipped. */
async function mounted(context: TestContext, options: string): Promise<string> {
  const path = await temporaryFolder()
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", path], { stdio: "pipe" })
  } catch (error) {
    skipUnlessCi(context, `tmpfs cannot be mounted here (${(error as Error).message.trim().split("\n").at(-1)})`)
  }
  onTestFinished(() => void execFileSync("umount", ["-l", path]))
  return path
}

describe("a full disk", () => {
  test("64 KiB: the save fails, older ones load, nothing is left, and the next one works once there is room", async (context) => {
    const root = await mounted(context, "size=64k")
    const files = watchFiles()
    const backend = new FsBackend(root, { files })
    await backend.commit(checkpoint(1))
    const big = new Uint8Array(16_384).fill(1)
    const chunks = [big, big, big, big, big]
    for (const attempt of [
      () => backend.put("a/array", chunks),
      () => backend.put("a/stream", stream(...chunks), { when: "absent" }),
      () =>
        backend.commit({
          create: [
            { key: stateOf(2), body: stream(...chunks) },
            { key: manifestOf(2), body: body("m") },
          ],
        }),
      () =>
        backend.commit({
          create: [
            { key: stateOf(2), body: chunks },
            { key: manifestOf(2), body: body("m") },
          ],
        }),
    ]) {
      const error = await rejection(attempt())
      expect(error).toMatchObject({ kind: "full" })
      expect(error.message).toMatch(/ENOSPC.*free some/)
      expect(
        (await tree(root)).filter((name) => isTemporary(name) || (name.startsWith("a/") && name !== "a/")),
      ).toEqual([])
      expect(await textAt(backend, manifestOf(1))).toBe("manifest 1")
      expect(await textAt(backend, stateOf(1))).toBe("state 1")
    }
    // The trap itself: some write took less than it was given, without an error.
    await backend.put("a/fits", [big, big])
    expect((await read(await backend.get("a/fits"))).length).toBe(32_768)
    await backend.delete(["a/fits"])
    expect(
      await backend.commit({
        create: [
          { key: stateOf(2), body: stream(big, big) },
          { key: manifestOf(2), body: body("m") },
        ],
      }),
    ).toHaveLength(2)
  })

  test("short counts of the real disk are seen and carried on", async (context) => {
    const root = await mounted(context, "size=64k")
    let short = 0
    const files = watchFiles()
    const { open } = files
    files.open = async (path, flags, mode) => {
      const handle = await open(path, flags, mode)
      return {
        ...handle,
        write: async (buffer) => {
          const result = await handle.write(buffer)
          if (result.bytesWritten < buffer.byteLength) short++
          return result
        },
      }
    }
    await rejection(new FsBackend(root, { files }).put("a/b", [new Uint8Array(100_000)]))
    expect(short).toBe(1)
  })

  test("every size around the limit: whole, or refused", async (context) => {
    const root = await mounted(context, "size=64k")
    const backend = new FsBackend(root)
    let stored = 0
    for (let size = 40_000; size < 80_000; size += 1111) {
      const content = new Uint8Array(size).fill(size % 251)
      const done = await backend.put("a/b", stream(content), { when: "absent" }).then(
        () => true,
        () => false,
      )
      if (done) {
        stored++
        expect((await read(await backend.get("a/b"))).equals(content)).toBe(true)
      }
      expect((await tree(root)).filter(isTemporary)).toEqual([])
      expect(await keys(backend)).toEqual(done ? ["a/b"] : [])
      await backend.delete(["a/b"])
    }
    expect(stored).toBeGreaterThan(5)
    expect(stored).toBeLessThan(36)
  })

  test("no inode left: refused before a body is touched", async (context) => {
    const root = await mounted(context, "size=1m,nr_inodes=8")
    const backend = new FsBackend(root)
    await backend.put("checkpoints/first", body("x"))
    const made: string[] = []
    for (let n = 0; n < 8; n++) {
      const path = `${root}/fill-${n}`
      const done = await writeFile(path, "").then(
        () => true,
        () => false,
      )
      if (done) made.push(path)
    }
    const untouched = (): AsyncIterable<Uint8Array> => ({ [Symbol.asyncIterator]: () => expect.fail("touched") })
    // With no, one, two … inodes free, until the stage, its two files and the pointer have room.
    for (let free = 0; free < 4; free++) {
      const batch = checkpoint(1)
      const error = await rejection(
        backend.commit({ ...batch, create: batch.create.map(({ key }) => ({ key, body: untouched })) }),
      )
      expect(error.message).toContain("ENOSPC")
      if (free === 0)
        expect((await rejection(backend.put("checkpoints/second", untouched()))).message).toContain("ENOSPC")
      expect((await tree(root)).filter(isTemporary)).toEqual([])
      expect(await textAt(backend, "checkpoints/first")).toBe("x")
      await rm(made.pop()!)
    }
    expect(await backend.commit(checkpoint(1))).toHaveLength(2)
  })
})

describe("permissions", () => {
  test("of another user: every operation is denied, never `nothing there`", async (context) => {
    if (process.getuid?.() !== 0 || process.seteuid === undefined)
      return skipUnlessCi(context, "changing the user needs root")
    const root = await temporaryFolder()
    await chmod(root, 0o755)
    await new FsBackend(root).commit(checkpoint(1))
    await chmod(`${root}/checkpoints/checkpoint_000001`, 0o700)
    const backend = new FsBackend(root)
    const errors = await asUser(65534, async () => [
      await rejection(backend.get(manifestOf(1))),
      await rejection(backend.head(manifestOf(1))),
      await rejection(keys(backend, "checkpoints/")),
      await rejection(backend.put(manifestOf(2), body("x"))),
      await rejection(backend.commit(checkpoint(2))),
      await rejection(backend.leftovers({ olderThanMs: 0, prefix: "" })),
      (await backend.delete([manifestOf(1), "checkpoints/latest.txt"])).map(({ error }) => error),
    ])
    expect(errors.flat()).toHaveLength(8)
    for (const { kind, message } of errors.flat()) {
      expect(kind).toBe("denied")
      expect(message).toMatch(/EACCES.*Permission denied/)
    }
    expect(await backend.head(manifestOf(1))).toBeDefined()
  })

  test("an immutable folder (chattr +i): denied, with the older checkpoint untouched", async (context) => {
    const root = await temporaryFolder()
    const backend = new FsBackend(root)
    await backend.commit(checkpoint(1))
    try {
      execFileSync("chattr", ["+i", `${root}/checkpoints`], { stdio: "pipe" })
    } catch {
      skipUnlessCi(context, "chattr +i does not work here")
    }
    try {
      const refused = [
        backend.put("checkpoints/x", body("x")),
        backend.commit(checkpoint(2)),
        backend.put("checkpoints/latest.txt", body("x")),
      ]
      for (const error of await rejections(refused)) {
        expect(error.kind).toBe("denied")
        expect(error.message).toContain("EPERM")
      }
      expect((await backend.delete(["checkpoints/latest.txt"]))[0]?.error.kind).toBe("denied")
      expect((await tree(root)).filter(isTemporary)).toEqual([])
      expect(await textAt(backend, stateOf(1))).toBe("state 1")
    } finally {
      execFileSync("chattr", ["-i", `${root}/checkpoints`])
    }
    expect(await backend.commit(checkpoint(2))).toHaveLength(2)
  })

  test("a filesystem that is mounted read-only: denied", async (context) => {
    const root = await mounted(context, "size=1m")
    const backend = new FsBackend(root)
    await backend.commit(checkpoint(1))
    execFileSync("mount", ["-o", "remount,ro", root])
    for (const attempt of [
      () => backend.commit(checkpoint(2)),
      () => backend.put("b/c", body("x")),
      () => backend.put("checkpoints/x", body("x")),
    ]) {
      const error = await rejection(attempt())
      expect(error.kind).toBe("denied")
      expect(error.message).toContain("read-only")
    }
    expect((await backend.delete([manifestOf(1)]))[0]?.error.kind).toBe("denied")
    expect(await textAt(backend, manifestOf(1))).toBe("manifest 1")
  })
})

test("mkdir is never recursive: a failure of one level is that failure, not ENOENT", async () => {
  const folder = await temporaryFolder()
  for (const code of ["EIO", "EDQUOT", "EROFS", "EMFILE"]) {
    const files = watchFiles({
      before: ({ name }) => {
        if (name === "mkdir") throw Object.assign(new Error(`${code}: injected`), { code })
      },
    })
    const error = await rejection(new FsBackend(`${folder}/a/b/c`, { files }).put("a/b/c", [bytes("x")]))
    expect(error.message).toContain(code)
    expect(files.count("mkdir")).toBe(1)
  }
  await mkdir(`${folder}/z`)
  expect(await readdir(folder)).toEqual(["z"])
})

/** Another user for the threads that make the file calls: on Linux Node sets it for all of them. */
async function asUser<T>(uid: number, work: () => Promise<T>): Promise<T> {
  process.seteuid?.(uid)
  try {
    return await work()
  } finally {
    process.seteuid?.(0)
  }
}
