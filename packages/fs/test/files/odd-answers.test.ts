import { beforeEach, describe, expect, test } from "vitest"
import { FsBackend } from "../../src/backend.js"
import {
  body,
  forgetProcess,
  manifestOf,
  pointerKey,
  read,
  rejection,
  stream,
  textAt,
  tree,
} from "../backend/support.js"
import { errno, watchFiles } from "../backend/watched-files.js"
import { temporaryFolder } from "../folder.js"

beforeEach(forgetProcess)

describe("short writes", () => {
  test.each([1, 5, 4096])("of %i bytes at a time lose nothing", async (takes) => {
    const backend = new FsBackend(await temporaryFolder(), { files: watchFiles({ takes: () => takes }) })
    const parts = Array.from({ length: takes === 4096 ? 300 : 9 }, (_, n) => new Uint8Array(n * 7).fill(n))
    const whole = Buffer.concat(parts)
    await backend.put("a/array", parts)
    await backend.put("a/stream", stream(...parts))
    await backend.commit({
      create: [{ key: manifestOf(1), body: parts }],
      pointer: { key: pointerKey, decide: () => whole.subarray(0, 50) },
    })
    for (const key of ["a/array", "a/stream", manifestOf(1)])
      expect((await read(await backend.get(key))).equals(whole)).toBe(true)
    expect((await read(await backend.get(pointerKey))).equals(whole.subarray(0, 50))).toBe(true)
  })

  test("of nothing, again and again, are a failure, not an endless loop", async () => {
    const root = await temporaryFolder()
    const backend = new FsBackend(root, { files: watchFiles({ takes: () => 0 }) })
    expect((await rejection(backend.put("a/b", body("x")))).kind).toBe("permanent")
    expect(await tree(root)).toEqual(["a/"])
  })
})

describe("a link whose acknowledgement was lost", () => {
  test("EEXIST for our own link (NFS) is a success", async () => {
    const root = await temporaryFolder()
    const files = watchFiles({
      after: ({ name }) => {
        if (name === "link") throw errno("EEXIST")
      },
    })
    await new FsBackend(root, { files }).put("a/b", body("ours"), { when: "absent" })
    expect(await textAt(new FsBackend(root), "a/b")).toBe("ours")
    expect(await tree(root)).toEqual(["a/", "a/b"])
  })

  test("EIO after the fact is ambiguous", async () => {
    const root = await temporaryFolder()
    const files = watchFiles({
      after: ({ name }) => {
        if (name === "link") throw errno("EIO")
      },
    })
    expect(await rejection(new FsBackend(root, { files }).put("a/b", body("ours"), { when: "absent" }))).toMatchObject({
      kind: "ambiguous",
      unsettleable: true,
    })
    expect(await tree(root)).toEqual(["a/", "a/b"])
  })
})
