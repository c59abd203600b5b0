import { link, lstat, mkdir, readdir, readFile, rm, stat, symlink, truncate, writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { ObjectMeta } from "@ckpt/core"
import { BackendError } from "@ckpt/core"
import { Mutex } from "@ckpt/core/adapter"
import { beforeEach, describe, expect, test } from "vitest"
import { FsBackend } from "../../src/backend.js"
import { nodeFiles } from "../../src/files/file-api.js"
import { spareName } from "../../src/files/paths.js"
import type { RootState } from "../../src/files/registry.js"
import { takeSpare } from "../../src/files/spare.js"
import { body, fifo, forgetProcess, isTemporary, keys, rejection, stream, textAt, tree } from "../backend/support.js"
import { type Call, errno, type Watch, type Watched, watchFiles } from "../backend/watched-files.js"
import { temporaryFolder } from "../folder.js"

beforeEach(forgetProcess)

const key = "manifests/latest.json"

const newState = (): RootState => ({ lock: new Mutex(), writers: 0, waiting: [] })

/** A root whose object was replaced once, and what replaces it next. */
async function prepared(): Promise<{ root: string; spare: string; meta: ObjectMeta }> {
  const root = await temporaryFolder()
  const backend = new FsBackend(root)
  const first = await backend.put(key, body("first"), { when: "absent" })
  const meta = await backend.put(key, body("second"), { when: { version: first.version } })
  forgetProcess()
  return { root, spare: join(root, spareName), meta }
}

const isNew = ({ name, flags }: Call) => name === "open" && flags === "wx"

/** The disk is full: every new file fails, or every write into a file that was new. */
const full: Readonly<Record<string, () => Watch>> = {
  "no inode": () => ({
    before: (call) => {
      if (isNew(call) || call.name === "mkdir") throw errno("ENOSPC")
    },
  }),
  "no byte": () => {
    const made = new Set<number>()
    return {
      before: (call) => {
        if (isNew(call)) made.add(call.file ?? -1)
        if (call.name === "mkdir" || (call.name.startsWith("write") && made.has(call.file ?? -1))) throw errno("EDQUOT")
      },
    }
  },
}

const replace = (backend: FsBackend, text: string, { version }: ObjectMeta) =>
  backend.put(key, body(text), { when: { version } })

async function expectTidy(root: string): Promise<void> {
  expect((await tree(root)).filter(isTemporary)).toEqual([])
}

describe("the spare", () => {
  test("is made with the first replacement, is durable, and no later replacement makes another call", async () => {
    const root = await temporaryFolder()
    const files = watchFiles()
    const backend = new FsBackend(root, { files })
    let meta = await backend.put(key, body("1"), { when: "absent" })
    await backend.put("manifests/other", body("2"))
    expect(await readdir(root)).toEqual(["manifests"])
    const calls: string[][] = []
    for (const text of ["3", "4", "5"]) {
      files.calls.length = 0
      meta = await replace(backend, text, meta)
      calls.push(files.calls.map(({ name }) => name))
      if (text !== "3") continue
      const [moved, , synced] = files.calls.slice(-5)
      expect([moved?.name, moved?.to, synced?.name, synced?.path]).toEqual([
        "rename",
        join(root, spareName),
        "sync",
        root,
      ])
    }
    expect((await stat(join(root, spareName))).size).toBe(16_384)
    expect(calls[2]).toEqual(calls[1])
    // Between the object and the close of its folder.
    expect(calls[1]?.slice(0, -1)).toEqual(calls[0]?.slice(0, (calls[1]?.length ?? 0) - 1))
    // In the next process: the look alone.
    forgetProcess()
    files.calls.length = 0
    await replace(new FsBackend(root, { files }), "6", meta)
    expect(files.calls.filter(({ path }) => path.endsWith(spareName)).map(({ name }) => name)).toEqual([
      "lstat",
      "open",
      "fstat",
      "read",
      "close",
    ])
    expect(files.count("rename")).toBe(1)
  })

  test("is twice as large as the object, and none is kept for an object above 1 MiB", async () => {
    const { root, spare, meta } = await prepared()
    const files = watchFiles()
    const backend = new FsBackend(root, { files })
    let next = meta
    const sizes: number[] = []
    for (const bytes of [8192, 8193, 9000, 40_000, 1 << 20, (1 << 20) + 1]) {
      next = await backend.put(key, [new Uint8Array(bytes)], { when: { version: next.version } })
      sizes.push((await stat(spare)).size)
    }
    expect(sizes).toEqual([16_384, 32_768, 32_768, 131_072, 2 << 20, 2 << 20])
    expect(files.calls.filter(({ name, to }) => name === "rename" && to === spare)).toHaveLength(3)
  })

  test("is no object, no leftover, and no name that a claim takes away or tells of", async () => {
    const { root } = await prepared()
    const backend = new FsBackend(root)
    expect(await keys(backend)).toEqual([key])
    expect(await backend.leftovers({ olderThanMs: -1000, prefix: "" })).toEqual([])
    for (const name of [spareName, spareName.toUpperCase(), `a/${spareName}/b`])
      expect((await rejection(backend.put(name, body("x")))).message).toContain("keeps room")
    const scope = { prefixes: ["manifests/"], mayHold: () => true }
    const { backend: leader, passedOver } = await backend.claim({ prefix: "", keys: scope })
    expect(passedOver).toEqual([])
    expect(await readdir(root)).toContain(spareName)
    await leader[Symbol.asyncDispose]?.()
  })

  test("says to whoever finds it what it is", async () => {
    const { spare } = await prepared()
    expect(await readFile(spare, "utf8")).toMatch(/^This file keeps room for @ckpt\/fs.*\n(\.\n)+\.?$/)
  })
})

describe.each(Object.keys(full))("%s is left", (kind) => {
  const watched = (): Watched => watchFiles(full[kind]!())

  test("an object is replaced, and what else needs room fails as before", async () => {
    const { root, spare, meta } = await prepared()
    const backend = new FsBackend(root, { files: watched() })
    for (const failing of [
      () => backend.put("manifests/new", body("x"), { when: "absent" }),
      () => backend.put(key, body("x")),
      () => backend.put(key, stream("x"), { when: { version: meta.version } }),
    ]) {
      expect((await rejection(failing())).message).toMatch(/ENOSPC|EDQUOT/)
      await expectTidy(root)
      expect(await textAt(backend, key)).toBe("second")
    }
    const third = await replace(backend, "the third", meta)
    expect(third).toEqual(await backend.head(key))
    expect(third.version).not.toBe(meta.version)
    expect(await textAt(backend, key)).toBe("the third")
    await expectTidy(root)
    // This disk frees nothing, so there is no new spare yet.
    const error = await rejection(replace(backend, "4", third))
    expect(error).toMatchObject({ kind: "full" })
    expect(error.message).toMatch(/No space|quota/)
    expect(await textAt(backend, key)).toBe("the third")

    // With room again there is.
    await replace(new FsBackend(root), "5", third)
    expect((await stat(spare)).size).toBe(16_384)
  })

  test("a writer that lost the race is refused, and leaves nothing", async () => {
    const { root, meta } = await prepared()
    const error = await rejection(
      replace(new FsBackend(root, { files: watched() }), "x", { ...meta, version: "1-2-3" }),
    )
    expect(error.kind).toBe("precondition")
    await expectTidy(root)
    expect(await textAt(new FsBackend(root), key)).toBe("second")
  })

  test("of two stores that replace it at once, one wins, and the object is whole", async () => {
    for (let round = 0; round < 10; round++) {
      const { root, meta } = await prepared()
      const texts = ["a".repeat(5000), "b".repeat(9)]
      const outcomes = await Promise.allSettled(
        texts.map((text) => replace(new FsBackend(root, { files: watched() }), text, meta)),
      )
      const won = texts.filter((_, index) => outcomes[index]?.status === "fulfilled")
      expect(won).toHaveLength(1)
      expect(await textAt(new FsBackend(root), key)).toBe(won[0])
      await expectTidy(root)
    }
  })

  const others: Record<string, (spare: string) => unknown> = {
    "a file of somebody else": (spare) => writeFile(spare, "x".repeat(20_000)),
    "an empty file": (spare) => truncate(spare),
    "a link": async (spare) => {
      await writeFile(`${spare}-target`, await readFile(spare))
      await rm(spare)
      await symlink(`${spare}-target`, spare)
    },
    "a second name of another file": (spare) => link(spare, `${spare}-too`),
    "a pipe": async (spare) => {
      await rm(spare)
      fifo(spare)
    },
    "a folder": async (spare) => {
      await rm(spare)
      await mkdir(spare)
    },
  }

  test.each(Object.keys(others))("%s in its place is left alone, full or not", async (name) => {
    const { root, spare, meta } = await prepared()
    await others[name]!(spare)
    const before = await lstat(spare)
    const content = before.isFile() ? await readFile(spare, "utf8") : undefined
    const error = await rejection(replace(new FsBackend(root, { files: watched() }), "x", meta))
    expect(error.message).toMatch(/ENOSPC|EDQUOT/)
    const files = watchFiles()
    const next = new FsBackend(root, { files })
    await replace(next, "y", await replace(next, "x", meta))
    const after = await lstat(spare)
    expect([after.ino, after.mode, after.size]).toEqual([before.ino, before.mode, before.size])
    if (content !== undefined) expect(await readFile(spare, "utf8")).toBe(content)
    // Looked at once.
    expect(files.count("lstat", /spare$/)).toBe(1)
    await expectTidy(root)
  })

  test("one that is too small stays, and is made anew with room", async () => {
    const { root, spare, meta } = await prepared()
    const big = [new Uint8Array(16_385).fill(65)]
    const error = await rejection(
      new FsBackend(root, { files: watched() }).put(key, big, { when: { version: meta.version } }),
    )
    expect(error.message).toMatch(/ENOSPC|EDQUOT/)
    expect((await stat(spare)).size).toBe(16_384)
    await new FsBackend(root).put(key, big, { when: { version: meta.version } })
    expect((await stat(spare)).size).toBe(65_536)
  })

  test.each(["ENOSPC", "EIO", "EMFILE", "EACCES"])(
    "%s at each call besides: the old object or the new one",
    async (code) => {
      const outcomes = { done: 0, rejected: 0 }
      for (let at = 0; ; at++) {
        forgetProcess()
        const { root, meta } = await prepared()
        const disk = full[kind]!()
        let hit: Call | undefined
        const files = watchFiles({
          before: (call) => {
            if (call.index === at) {
              hit = call
              throw errno(code)
            }
            return disk.before?.(call)
          },
        })
        const error = await replace(new FsBackend(root, { files }), "third", meta).then(
          () => undefined,
          (reason: unknown) => reason,
        )
        const where = `${code} at call ${at}, ${hit?.name} ${hit?.path}`
        if (hit === undefined) {
          expect(error).toBeUndefined()
          break
        }
        outcomes[error === undefined ? "done" : "rejected"]++
        const found = await textAt(new FsBackend(root), key)
        if (error === undefined) expect(found, where).toBe("third")
        else {
          expect(error, where).toBeInstanceOf(BackendError)
          expect(["second", "third"], where).toContain(found)
          if ((error as BackendError).kind !== "ambiguous") expect(found, where).toBe("second")
        }
        if (hit.name !== "unlink") await expectTidy(root)
        expect(files.held(), where).toBe(0)
      }
      expect(outcomes.rejected).toBeGreaterThan(10)
      expect(outcomes.done).toBeGreaterThan(3)
    },
  )
})

test("of processes that take it at once, exactly one has it", async () => {
  for (let round = 0; round < 30; round++) {
    const { root, spare } = await prepared()
    const folder = join(root, "manifests")
    // Nothing is shared but the folder.
    const takers = Array.from({ length: 4 }, () => ({ files: nodeFiles, real: root, folder, state: newState() }))
    const taken = await Promise.all(takers.map((place) => takeSpare(place, 10)))
    const files = taken.filter((file) => file !== undefined)
    expect(files).toHaveLength(1)
    expect((await tree(root)).filter(isTemporary)).toHaveLength(1)
    await expect(lstat(spare)).rejects.toMatchObject({ code: "ENOENT" })
    await files[0]?.discard()
    await expectTidy(root)
  }
})

test("a spare that another process takes between two looks at it is not taken", async () => {
  const { root, spare } = await prepared()
  const files = watchFiles({
    before: async (call) => {
      if (call.name === "open" && call.path === spare) await rm(spare)
    },
  })
  const place = { files, real: root, folder: join(root, "manifests"), state: newState() }
  expect(await takeSpare(place, 10)).toBeUndefined()
  expect(files.calls.filter(({ name, path }) => name === "open" && path === spare)).toHaveLength(1)
  await expectTidy(root)
})

test("where overwriting needs room too, the spare is given up, and its room is used", async () => {
  const { root, spare, meta } = await prepared()
  let free = false
  const files = watchFiles({
    before: (call) => {
      if (call.name.startsWith("write") && !free) throw errno("ENOSPC")
    },
    after: (call) => {
      if (call.name === "unlink" && files.calls.some(({ name, path }) => name === "rename" && path === spare))
        free = true
    },
  })
  const third = await replace(new FsBackend(root, { files }), "third", meta)
  expect(await textAt(new FsBackend(root), key)).toBe("third")
  expect(third.size).toBe(5)
  await expectTidy(root)
})

test("a spare that another process made since the look goes back as it is", async () => {
  const { root, spare, meta } = await prepared()
  const other = await prepared()
  const disk = full["no inode"]!()
  const files = watchFiles({
    before: async (call) => {
      if (call.name === "rename" && call.path === spare) await writeFile(`${spare}-new`, await readFile(other.spare))
      if (call.name === "rename" && call.path === spare) {
        await rm(spare)
        await link(`${spare}-new`, spare)
        await rm(`${spare}-new`)
      }
      return disk.before?.(call)
    },
  })
  await rejection(replace(new FsBackend(root, { files }), "x", meta))
  expect(await readFile(spare, "utf8")).toBe(await readFile(other.spare, "utf8"))
  expect(await textAt(new FsBackend(root), key)).toBe("second")
  await expectTidy(root)
})
