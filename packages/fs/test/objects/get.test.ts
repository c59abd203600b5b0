import { mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises"
import { createServer } from "node:net"
import { describe, expect, onTestFinished, test } from "vitest"
import { FsBackend } from "../../src/backend.js"
import {
  body,
  checkpoint,
  device,
  fifo,
  keys,
  listed,
  manifestOf,
  pointerKey,
  read,
  rejection,
  rejections,
  stateOf,
} from "../backend/support.js"
import { watchFiles } from "../backend/watched-files.js"
import { temporaryFolder } from "../folder.js"

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

  test("absence is undefined; a file in the place of a folder is an absence too, but for a listing or a write", async () => {
    const root = await temporaryFolder()
    const backend = new FsBackend(root)
    await backend.put("a/b", body("x"))
    for (const key of ["a/c", "x/y/z", "a/b/c", "a/b/c/d"]) {
      expect(await backend.get(key)).toBeUndefined()
      expect(await backend.head(key)).toBeUndefined()
    }
    for (const error of await rejections([keys(backend, "a/b/"), backend.put("a/b/c", body("x"))]))
      expect(error.message).toContain("a/b is a file, not a folder")
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
    ["a device", async (path: string) => device(path), /a device/],
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
    // An empty folder can be ours and is removed. Anything else stays, and so does what a link leads to.
    const failures = await backend.delete([manifestOf(5), stateOf(5)])
    const left = message.source === "a directory" ? [] : [manifestOf(5)]
    expect(failures.map(({ key, error }) => [key, error.kind])).toEqual(left.map((key) => [key, "damaged"]))
    expect(await keys(backend, "checkpoints/")).toEqual([...left, pointerKey])
    if ((await readdir(root)).includes("secret")) expect(await readFile(`${root}/secret`, "utf8")).toBe("secret")
  })

  async function listening(path: string): Promise<void> {
    // A socket's path may have 107 bytes.
    const server = createServer()
    await new Promise<void>((done) => server.listen(path, done))
    onTestFinished(() => new Promise((done) => void server.close(() => done())))
  }
})
