import { execFileSync } from "node:child_process"
import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises"
import { createServer } from "node:net"
import { describe, expect, onTestFinished, test } from "vitest"
import { FsBackend } from "../../src/backend.js"
import {
  body,
  bytes,
  checkpoint,
  keys,
  listed,
  manifestOf,
  pointerKey,
  read,
  rejection,
  rejections,
  stateOf,
  temporaryFolder,
  textAt,
  tree,
} from "./support.js"
import { watchFiles } from "./watched-files.js"

const fifo = (path: string) => execFileSync("mkfifo", [path])

describe("get", () => {
  test("ranges: cut at the end, empty at the end, past it a precondition", async () => {
    const backend = new FsBackend(await temporaryFolder())
    const { version } = await backend.put("a/b", body("0123456789"))
    const part = async (offset: number, length?: number) =>
      (await read(await backend.get("a/b", { range: { offset, length } }))).toString()
    expect([
      await part(0),
      await part(3),
      await part(3, 4),
      await part(8, 100),
      await part(10),
      await part(10, 5),
      await part(2, 0),
    ]).toEqual(["0123456789", "3456789", "3456", "89", "", "", ""])
    expect((await rejection(part(11))).kind).toBe("precondition")
    for (const offset of [-1, 1.5, Number.NaN, 2 ** 53]) expect((await rejection(part(offset))).kind).toBe("permanent")
    expect((await rejection(part(0, -1))).kind).toBe("permanent")
    const content = await backend.get("a/b", { range: { offset: 2, length: 1 }, ifVersion: version })
    expect(content?.meta.size).toBe(10)
    expect((await read(content)).toString()).toBe("2")
    expect((await rejection(backend.get("a/b", { ifVersion: "1-2-3" }))).kind).toBe("precondition")
    expect(await backend.get("a/none", { ifVersion: "1-2-3" })).toBeUndefined()
  })

  test("chunks of at most 1 MiB, each in memory of its own; a replaced object is read to its end", async () => {
    const backend = new FsBackend(await temporaryFolder())
    const whole = Buffer.alloc((5 << 20) / 2, "abcdefg")
    await backend.put("a/b", [whole])
    const content = await backend.get("a/b")
    await backend.put("a/b", body("new"))
    const chunks: Uint8Array[] = []
    for await (const chunk of content!.body) chunks.push(chunk)
    expect(Buffer.concat(chunks).equals(whole)).toBe(true)
    expect(chunks.map(({ length }) => length)).toEqual([1 << 20, 1 << 20, 1 << 19])
    expect(new Set(chunks.map(({ buffer }) => buffer)).size).toBe(3)
  })

  test("closes its file at the end, after return(), and when it never started", async () => {
    const files = watchFiles()
    const backend = new FsBackend(await temporaryFolder(), { files })
    await backend.put("a/b", [new Uint8Array(3 << 20)])
    await backend.put("a/empty", [])
    for (const [key, use] of [
      [
        "a/b",
        async (iterator: AsyncIterator<Uint8Array>) => {
          while (!(await iterator.next()).done);
        },
      ],
      ["a/b", async (iterator: AsyncIterator<Uint8Array>) => void (await iterator.return?.())],
      [
        "a/b",
        async (iterator: AsyncIterator<Uint8Array>) => {
          await iterator.next()
          await iterator.return?.()
          await iterator.return?.()
        },
      ],
      ["a/empty", async (iterator: AsyncIterator<Uint8Array>) => void (await iterator.next())],
    ] as const) {
      const iterator = (await backend.get(key))!.body[Symbol.asyncIterator]()
      expect(files.held()).toBe(1)
      await use(iterator)
      expect(files.held()).toBe(0)
      expect(await iterator.next()).toEqual({ done: true, value: undefined })
    }
    await rejection(backend.get("a/b", { ifVersion: "x" }))
    expect(files.held()).toBe(0)
  })

  test("absence is undefined; a file in the place of a folder is an absence too", async () => {
    const root = await temporaryFolder()
    const backend = new FsBackend(root)
    await backend.put("a/b", body("x"))
    for (const key of ["a/c", "x/y/z", "a/b/c", "a/b/c/d"]) {
      expect(await backend.get(key)).toBeUndefined()
      expect(await backend.head(key)).toBeUndefined()
    }
    expect(await keys(backend, "a/b/")).toEqual([])
    expect((await rejection(backend.put("a/b/c", body("x")))).message).toContain("is a file")
  })

  test.each([
    [
      "a symbolic link to a file",
      async (path: string, root: string) => {
        await writeFile(`${root}/secret`, "secret")
        await symlink(`${root}/secret`, path)
      },
      /symbolic link/,
    ],
    ["a dangling link", (path: string) => symlink("/nowhere", path), /symbolic link/],
    ["a link to itself", (path: string) => symlink(path, path), /symbolic link/],
    ["a directory", (path: string) => mkdir(path), /a directory/],
    ["a named pipe", async (path: string) => fifo(path), /named pipe/],
    ["a socket", (path: string) => listening(path), /socket/],
  ])("%s where a file belongs is damaged, at once, and listed as a key", async (_, make, message) => {
    const root = await temporaryFolder()
    const backend = new FsBackend(root)
    await backend.commit(checkpoint(5))
    await rm(`${root}/${manifestOf(5)}`)
    await make(`${root}/${manifestOf(5)}`, root)
    for (const error of await rejections([backend.get(manifestOf(5)), backend.head(manifestOf(5))])) {
      expect(error.kind).toBe("damaged")
      expect(error.message).toMatch(message)
    }
    expect(await keys(backend, "checkpoints/")).toEqual([manifestOf(5), stateOf(5), pointerKey])
    expect((await listed(backend, manifestOf(5)))[0]?.size).toBe(0)
    expect((await rejection(backend.put(manifestOf(5), body("x"), { when: "absent" }))).kind).toBe("precondition")
    expect((await rejection(backend.put(manifestOf(5), body("x"), { when: { version: "1-2-3" } }))).kind).toBe(
      "precondition",
    )
    // It can be removed: the link, never what it leads to.
    expect(await backend.delete([manifestOf(5), stateOf(5)])).toEqual([])
    expect(await keys(backend, "checkpoints/")).toEqual([pointerKey])
    if ((await readdir(root)).includes("secret")) expect(await readFile(`${root}/secret`, "utf8")).toBe("secret")
  })

  async function listening(path: string): Promise<void> {
    // A socket's path may have 107 bytes.
    const server = createServer()
    await new Promise<void>((done) => server.listen(path, done))
    onTestFinished(() => new Promise((done) => void server.close(() => done())))
  }
})

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
      "checkpoint_000005/",
      "checkpoint_000006/",
      "checkpoint_000007",
      "checkpoint_000008/manifest.json",
      "latest.txt",
    ].map((name) => `checkpoints/${name}`)
    expect(await keys(backend)).toEqual(expected)
    expect(await keys(backend, "checkpoints/")).toEqual(expected)
    for (const key of expected) expect((await keys(backend, key))[0]).toBe(key)
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

describe("leftovers", () => {
  test("are found at any depth by age and prefix, removed unless dryRun, and nothing else is", async () => {
    const root = await temporaryFolder()
    const backend = new FsBackend(root)
    await backend.commit(checkpoint(1))
    const base = `${root}/checkpoints`
    await writeFile(`${base}/.latest-0000000000000001`, "x")
    await writeFile(`${base}/checkpoint_000001/.tmp-0000000000000002`, "x")
    await mkdir(`${base}/.stage-0000000000000003/strange/deep`, { recursive: true })
    await writeFile(`${base}/.stage-0000000000000003/state.bin`, "x")
    await symlink("/etc", `${base}/.stage-0000000000000004`)
    await writeFile(`${root}/.tmp-0000000000000005`, "x")
    await writeFile(`${base}/.tmp-not-ours`, "x")
    await symlink(root, `${base}/loop`)
    const names = async (olderThanMs: number, prefix = "", dryRun = true) =>
      (await backend.leftovers({ olderThanMs, prefix, dryRun })).map(({ name }) => name).sort()
    const all = [
      ".latest-0000000000000001",
      ".stage-0000000000000003",
      ".stage-0000000000000004",
      "checkpoint_000001/.tmp-0000000000000002",
    ].map((name) => `checkpoints/${name}`)
    expect(await names(3_600_000)).toEqual([])
    expect(await names(-1000)).toEqual([".tmp-0000000000000005", ...all])
    expect(await names(-1000, "checkpoints/")).toEqual(all)
    expect(await names(-1000, "checkpoints/checkpoint_000001/")).toEqual([
      "checkpoints/checkpoint_000001/.tmp-0000000000000002",
    ])
    expect(await names(-1000, "checkpoints/", false)).toEqual(all)
    expect(await names(-1000)).toEqual([".tmp-0000000000000005"])
    expect(await tree(root)).toEqual([
      ".tmp-0000000000000005",
      "checkpoints/",
      "checkpoints/.tmp-not-ours",
      "checkpoints/checkpoint_000001/",
      `${manifestOf(1)}`,
      `${stateOf(1)}`,
      "checkpoints/latest.txt",
      "checkpoints/loop",
    ])
  })

  test("a stage is as young as the file that is being written in it", async () => {
    const root = await temporaryFolder()
    const stage = `${root}/checkpoints/.stage-0000000000000001`
    await mkdir(stage, { recursive: true })
    await writeFile(`${stage}/state.bin`, "x")
    execFileSync("touch", ["-d", "2 hours ago", stage])
    const backend = new FsBackend(root)
    expect(await backend.leftovers({ olderThanMs: 3_600_000, prefix: "" })).toEqual([])
    execFileSync("touch", ["-d", "3 hours ago", `${stage}/state.bin`])
    const [found] = await backend.leftovers({ olderThanMs: 3_600_000, prefix: "" })
    expect(Date.now() - found!.since.getTime()).toBeGreaterThan(7_190_000)
    expect(await readdir(`${root}/checkpoints`)).toEqual([])
  })
})

describe("keys", () => {
  test.each([
    "",
    "/",
    "/a",
    "a/",
    "a//b",
    ".",
    "..",
    "../a",
    "a/../b",
    "a/./b",
    "a/..",
    "a\0b",
    "a\\b",
    "a\nb",
    "a\r\nb",
    "a\u007fb",
    "\ud800",
    "/etc/passwd",
    "x".repeat(256),
    `${"é".repeat(128)}`,
    ".tmp-0123456789abcdef",
    "a/.stage-0123456789abcdef/b",
    "a/.latest-0123456789abcdef",
  ])("%j is refused, before anything is touched", async (key) => {
    const files = watchFiles()
    const backend = new FsBackend(await temporaryFolder(), { files })
    for (const error of await rejections([
      backend.put(key, body("x")),
      backend.get(key),
      backend.head(key),
      backend.commit({ create: [{ key, body: body("x") }] }),
    ])) {
      expect(error.kind).toBe("permanent")
      expect(error.message).toContain("cannot use the key")
    }
    expect(files.calls.filter(({ name }) => name !== "realpath")).toEqual([])
  })

  test.each([
    "%2e%2e/a",
    "%2F",
    "a b",
    "ü/日本",
    "...",
    ".hidden",
    "a:b",
    "x".repeat(255),
    "__proto__/constructor",
    "-rf",
    "a*?",
  ])("%j is a name like any other", async (key) => {
    const root = await temporaryFolder()
    const backend = new FsBackend(root)
    await backend.put(key, body(key))
    expect(await textAt(backend, key)).toBe(key)
    expect(await keys(backend)).toEqual([key])
    expect((await readdir(root)).length).toBe(1)
    expect(await backend.delete([key])).toEqual([])
    expect(await keys(backend)).toEqual([])
  })
})

test("a root that is moved away while the backend lives is seen, and written anew", async () => {
  const folder = await temporaryFolder()
  const backend = new FsBackend(`${folder}/store`)
  await backend.commit(checkpoint(1))
  await rename(`${folder}/store`, `${folder}/old`)
  expect(await keys(backend)).toEqual([])
  await backend.commit(checkpoint(1))
  await backend.put(manifestOf(2), [bytes("m")], { when: "absent" })
  expect(await keys(backend)).toEqual([manifestOf(1), stateOf(1), manifestOf(2), pointerKey])
})
