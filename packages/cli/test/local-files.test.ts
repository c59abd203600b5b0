import { link, mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { writeWhole } from "../src/output/whole-file.js"
import { ckpt, shell } from "./ckpt.js"
import { seed } from "./seed.js"
import { fileStorage, folder } from "./storages.js"

test("a disk of this machine without room is 3, says what to do, and leaves nothing", async () => {
  const place = await fileStorage.newPlace()
  await seed(place, 1)
  const [dir, temporary] = await Promise.all([folder(), folder()])
  const tar = join(await folder(), "whole.tar")
  expect((await ckpt(["export", place.url, "1", tar])).code).toBe(0)
  // A limit of the size of files is what a shell can set anywhere.
  const limited = (text: string) => shell(`trap '' XFSZ; ulimit -f 8; cd ${dir}; ${text}`, { TMPDIR: temporary })
  for (const text of [
    `ckpt export ${place.url} 1 out.tar`,
    `ckpt recover ${place.url} --to out`,
    `ckpt import ${tar} file:./other`,
  ]) {
    const { code, stderr } = await limited(text)
    expect({ text, code, stderr }).toEqual({ text, code: 3, stderr: expect.stringContaining("Name a place") })
  }
  expect(await readdir(dir)).toEqual([])
  expect(await readdir(temporary)).toEqual([])
})

test("what the system refuses gets a sentence with advice", async () => {
  const place = await fileStorage.newPlace()
  await seed(place, 1)
  const dir = await folder()
  await mkdir(join(dir, "sub"))
  await writeFile(join(dir, "file"), "mine")
  const cases: [string[], string][] = [
    [["export", place.url, "1", "file"], "is there already; give another name"],
    [["export", place.url, "1", "nope/x.tar"], "there is no such file or folder. Compare the path"],
    [["export", place.url, "1", "file/x.tar"], "a part of this path is a file"],
    [["recover", place.url, "--to", "file"], "a part of this path is a file"],
    [["recover", place.url, "--to", "file/x"], "a part of this path is a file"],
    [["import", "nope.tar", "file:./other"], "there is no such file or folder"],
    [["import", "sub", "file:./other"], "this is a folder, and a file is needed"],
  ]
  for (const [args, message] of cases) {
    const { code, stderr } = await ckpt(args, { cwd: dir })
    expect({ args, code, stderr }).toEqual({ args, code: 1, stderr: expect.stringContaining(message) })
  }
  expect((await readdir(dir)).sort()).toEqual(["file", "sub"])
  expect(await readFile(join(dir, "file"), "utf8")).toBe("mine")
})

describe.each(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"])("a filesystem without hard links (%s)", (code) => {
  const files = {
    link: async () => {
      throw Object.assign(new Error(`${code}: link`), { code })
    },
    rename,
  }
  const { signal } = new AbortController()
  async function* bytes(text: string) {
    yield Buffer.from(text)
  }

  test("takes an export, and nobody's file goes for it", async () => {
    const dir = await folder()
    const path = join(dir, "out.tar")
    expect(await writeWhole(bytes("whole"), path, { signal, files })).toBe(5)
    expect(await readFile(path, "utf8")).toBe("whole")
    await expect(writeWhole(bytes("other"), path, { signal, files })).rejects.toThrow("is there already")
    expect(await readFile(path, "utf8")).toBe("whole")
    expect(await readdir(dir)).toEqual(["out.tar"])
  })

  test("looks once more before the name is given: another process may have been faster", async () => {
    const dir = await folder()
    const path = join(dir, "out.tar")
    async function* slow() {
      yield Buffer.from("mine")
      await writeFile(path, "theirs")
    }
    await expect(writeWhole(slow(), path, { signal, files })).rejects.toThrow("is there already")
    expect(await readFile(path, "utf8")).toBe("theirs")
    expect(await readdir(dir)).toEqual(["out.tar"])
  })
})

test("another failure of a link is told as it is, and leaves nothing", async () => {
  const dir = await folder()
  const files = { link: () => link(join(dir, "nope"), join(dir, "out.tar")), rename }
  const writing = writeWhole(
    (async function* () {
      yield Buffer.from("whole")
    })(),
    join(dir, "out.tar"),
    { signal: new AbortController().signal, files },
  )
  await expect(writing).rejects.toMatchObject({ code: "ENOENT" })
  expect(await readdir(dir)).toEqual([])
})

test("an export leaves the unfinished file of another process alone", async () => {
  const place = await fileStorage.newPlace()
  await seed(place, 1)
  const dir = await folder()
  const other = `out.tar.unfinished-${process.pid}`
  await writeFile(join(dir, other), "of another container")
  expect((await ckpt(["export", place.url, "1", "out.tar"], { cwd: dir })).code).toBe(0)
  expect((await readdir(dir)).sort()).toEqual(["out.tar", other])
  expect(await readFile(join(dir, other), "utf8")).toBe("of another container")
})

test("of two exports to one name, one is refused, and the tar is whole", async () => {
  const place = await fileStorage.newPlace()
  await seed(place, 2)
  const dir = await folder()
  const both = await Promise.all(["1", "2"].map((id) => ckpt(["export", place.url, id, "out.tar"], { cwd: dir })))
  expect(both.map(({ code }) => code).sort()).toEqual([0, 1])
  expect(await readdir(dir)).toEqual(["out.tar"])
  expect((await ckpt(["import", "out.tar", "file:./store"], { cwd: dir })).code).toBe(0)
})
