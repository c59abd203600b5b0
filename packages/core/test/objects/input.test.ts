import { describe, expect, test } from "vitest"
import {
  BackendError,
  type CheckpointErrorCode,
  type Objects,
  type ObjectsOptions,
  openObjects,
} from "../../src/index.js"
import { bytes, Objects as Memory, rejectionOf } from "../mistakes/support.js"
import { OwnedClock } from "../owned-clock.js"

function opened<Backend extends Memory>(backend: Backend, options: ObjectsOptions = {}) {
  return { backend, objects: openObjects(backend, { clock: new OwnedClock(), random: () => 0, ...options }) }
}

const open = () => opened(new Memory())

const mistakes: readonly [string, (objects: Objects) => unknown, CheckpointErrorCode, RegExp][] = [
  [
    "an empty key",
    (o) => o.create("", bytes("x")),
    "CKPT_INVALID",
    /objects\.create: the key .* cannot be used: it is empty/,
  ],
  ["a key that leads upwards", (o) => o.read("a/../b"), "CKPT_INVALID", /"\.\." segment/],
  ["a key that is too long", (o) => o.head("n/".repeat(400)), "CKPT_INVALID", /ends with/],
  ["a key that is no string", (o) => o.read(7 as never), "CKPT_INVALID", /the key is the number 7; give a string/],
  ["a name of the library's", (o) => o.remove([".ckpt-probe-1"]), "CKPT_INVALID", /belong to the library/],
  ["an array of no keys", (o) => o.remove(new Array(2)), "CKPT_INVALID", /the key is undefined; give a string/],
  ["keys that are no array", (o) => o.remove(new Set(["a"]) as never), "CKPT_INVALID", /the keys are a Set/],
  [
    "a text as bytes",
    (o) => o.create("a", "text" as never),
    "CKPT_INVALID",
    /the bytes are the string "text"; give a Uint8Array/,
  ],
  ["a replacement of no version", (o) => o.replace("a", bytes("x"), {} as never), "CKPT_INVALID", /version is missing/],
  [
    "no options of a replacement",
    (o) => o.replace("a", bytes("x"), undefined as never),
    "CKPT_INVALID",
    /version is missing/,
  ],
  ["an empty version", (o) => o.replace("a", bytes("x"), { version: "" }), "CKPT_INVALID", /version is the string ""/],
  ["a limit of 0", (o) => o.list({ limit: 0 }), "CKPT_INVALID", /limit is the number 0; give a whole number from 1/],
  ["a prefix that leads upwards", (o) => o.list({ prefix: "../" }), "CKPT_INVALID", /prefix .* no beginning of a key/],
  [
    "a start with a control character",
    (o) => o.list({ after: "a\n" }),
    "CKPT_INVALID",
    /after .* no beginning of a key/,
  ],
  ["an option that there is not", (o) => o.list({ before: "a" } as never), "CKPT_INVALID", /there is no option before/],
  [
    "more bytes than fit",
    (o) => o.create("a", new Uint8Array(128 * 1024 * 1024 + 1)),
    "CKPT_INVALID",
    /134217729 bytes/,
  ],
]

describe("what cannot be used is refused by name, and no request is made", () => {
  test.each(mistakes)("%s", async (_, run, code, message) => {
    const { backend, objects } = open()
    const error = await rejectionOf(() => run(objects))
    expect(error).toMatchObject({ name: "CheckpointError", code })
    expect((error as Error).message).toMatch(message)
    expect(backend.requests).toEqual([])
  })

  test.each([
    ["no backend", undefined, {}, /backend is undefined; give a storage/],
    ["a class", Memory, {}, /give an instance: new Objects/],
    ["a prefix that leads upwards", new Memory(), { prefix: "../x" }, /prefix "\.\.\/x/],
    ["an unknown option", new Memory(), { prefx: "x" }, /Did you mean prefix\?/],
  ])("%s", (_, backend, options, message) => {
    expect(() => openObjects(backend as never, options as never)).toThrow(message)
  })
})

test("objects that were opened read-only refuse what would write", async () => {
  const { backend, objects } = opened(new Memory(), { readOnly: true })
  for (const call of [
    objects.create("a", bytes("x")),
    objects.replace("a", bytes("x"), { version: "v" }),
    objects.remove("a"),
  ])
    expect(await rejectionOf(() => call)).toMatchObject({ code: "CKPT_READ_ONLY" })
  expect(backend.requests).toEqual([])
  expect(await objects.list()).toEqual([])
})

test("after close every call is refused; a backend that is owned is closed", async () => {
  const backend = new Memory()
  let closed = 0
  backend[Symbol.asyncDispose] = async () => {
    closed++
  }
  const { objects } = opened(backend, { ownsBackend: true })
  await objects.create("a", bytes("x"))
  await objects.close()
  expect(closed).toBe(1)
  for (const call of [objects.read("a"), objects.create("b", bytes("x")), objects.list()])
    expect(await rejectionOf(() => call)).toMatchObject({ code: "CKPT_CLOSED" })
})

test("a storage that ignores conditions is refused before the first write", async () => {
  class Careless extends Memory {
    override put(...[key, body]: Parameters<Memory["put"]>) {
      return super.put(key, body)
    }
  }
  const { backend, objects } = opened(new Careless())
  expect(await rejectionOf(() => objects.create("a", bytes("x")))).toMatchObject({ code: "CKPT_UNSUPPORTED" })
  expect([...backend.stored.keys()]).toEqual([])
})

describe("list", () => {
  test("goes on behind the last entry after a failure, within its limit", async () => {
    class Breaking extends Memory {
      readonly ranges: unknown[] = []
      override async *list(...[prefix, range]: Parameters<Memory["list"]>) {
        this.ranges.push({ after: range?.after, limit: range?.limit })
        let left = 2
        for await (const meta of super.list(prefix, range)) {
          if (left-- === 0) throw new BackendError("transient", "the connection was reset")
          yield meta
        }
      }
    }
    const { backend, objects } = opened(new Breaking(), { prefix: "p" })
    for (const key of ["a", "b", "c", "d", "e", "f"]) await objects.create(key, bytes(key))
    backend.ranges.length = 0
    expect((await objects.list({ after: "a", limit: 4 })).map(({ key }) => key)).toEqual(["b", "c", "d", "e"])
    expect(backend.ranges).toEqual([
      { after: "p/a", limit: 4 },
      { after: "p/c", limit: 2 },
    ])
  })

  test("asks again for as many as were no objects, and no more", async () => {
    const { backend, objects } = opened(new Memory(), { prefix: "p" })
    for (const key of ["a", "b", "c"]) await objects.create(key, bytes(key))
    for (const key of ["p/.ckpt-probe-1", "p/a/", "p/a\\b", "p/b🦀"]) await backend.put(key, [bytes("x")])
    backend.requests.length = 0
    expect((await objects.list({ limit: 2 })).map(({ key }) => key)).toEqual(["a", "b"])
    expect(backend.requests).toEqual(["list p/", "list p/"])
    expect((await objects.list()).map(({ key }) => key)).toEqual(["a", "b", "c"])
  })

  test("keys whose place is not known take no place of others", async () => {
    const { backend, objects } = opened(new Memory(), { prefix: "p" })
    for (const key of ["b", "c", "d"]) await objects.create(key, bytes(key))
    for (let n = 0; n < 20; n++) await backend.put(`p/a🦀${n}`, [bytes("x")])
    await backend.put("p/c🦀", [bytes("x")])
    for (let limit = 1; limit <= 4; limit++)
      expect((await objects.list({ limit })).map(({ key }) => key)).toEqual(["b", "c", "d"].slice(0, limit))
  })

  test("a prefix may have characters above U+FFFF", async () => {
    const { objects } = opened(new Memory(), { prefix: "team🦀" })
    for (const key of ["a", "b"]) await objects.create(key, bytes(key))
    expect((await objects.list()).map(({ key }) => key)).toEqual(["a", "b"])
    expect((await objects.list({ after: "a", limit: 1 })).map(({ key }) => key)).toEqual(["b"])
  })

  test("many names that are no objects cost few listings", async () => {
    const { backend, objects } = opened(new Memory())
    await objects.create("z", bytes("z"))
    for (let n = 0; n < 3000; n++) await backend.put(`${n}/`, [bytes("x")])
    backend.requests.length = 0
    expect((await objects.list({ limit: 1 })).map(({ key }) => key)).toEqual(["z"])
    // 1, then 100, 200, 400 and so on.
    expect(backend.requests).toHaveLength(6)
  })

  test("a storage that lists in another order is refused, and no entry is passed over", async () => {
    class Backwards extends Memory {
      override async *list(...given: Parameters<Memory["list"]>) {
        const all = []
        for await (const meta of super.list(...given)) all.push(meta)
        yield* all.reverse()
      }
    }
    const { objects } = opened(new Backwards())
    for (const key of ["a", "b"]) await objects.create(key, bytes(key))
    const error = await rejectionOf(() => objects.list())
    expect(error).toMatchObject({ code: "CKPT_UNSUPPORTED" })
    expect((error as Error).message).toMatch(/listed a behind b/)
  })

  test("a start outside the prefix is before all, or behind all", async () => {
    const { backend, objects } = open()
    for (const key of ["a", "t/1", "t/2", "u"]) await objects.create(key, bytes(key))
    const keys = async (after: string) => (await objects.list({ prefix: "t/", after })).map(({ key }) => key)
    expect(await keys("a")).toEqual(["t/1", "t/2"])
    expect(await keys("t")).toEqual(["t/1", "t/2"])
    backend.requests.length = 0
    expect(await keys("u")).toEqual([])
    expect(backend.requests).toEqual([])
  })
})

test("bytes may be changed as soon as the call has begun", async () => {
  const { objects } = open()
  const content = bytes("before")
  const created = objects.create("a", content)
  content.fill(0)
  await created
  expect(new TextDecoder().decode((await objects.read("a"))?.bytes)).toBe("before")
})
