import { bytesOf, pattern } from "../harness/bytes.js"
import type { BackendCase } from "../harness/case.js"
import { cut } from "./support/body.js"
import { fail, identity, listed, opened, read, readAll, rejectsAs, same, sameBytes } from "./support/check.js"

const key = "folder/object"

export const getCases: readonly BackendCase[] = [
  {
    name: "get and head: an absent object is undefined",
    loses: "a new store would be taken for an outage, or an outage for a new store.",
    async run({ backend }) {
      const look = async (name: string) => {
        same(await backend.head(name), undefined, `head of ${name}`)
        same(await backend.get(name), undefined, `get of ${name}`)
        same(await backend.get(name, { range: { offset: 5, length: 5 } }), undefined, `get of a range of ${name}`)
        same(await backend.get(name, { ifVersion: "1" }), undefined, `get of a version of ${name}`)
      }
      await look(key)
      await backend.put(key, [bytesOf("x")])
      // Not "folder": where folders are real, that name is taken by one.
      for (const name of ["folder/objec", "folder/object2", "folder/object/below", "x"]) await look(name)
    },
  },
  {
    name: "get, head and list describe an object alike",
    loses: "a state would be called damaged because its size is reported wrongly, or every swap would fail.",
    async run({ backend, largeBytes }) {
      for (const size of [0, 1, 12_345, largeBytes]) {
        const put = identity(await backend.put(key, cut(pattern(size))))
        const content = await opened(backend, key)
        same(identity(content.meta), put, "the meta of get")
        same((await readAll(content)).length, size, "the bytes that get delivers")
        same(identity(await backend.head(key)), put, "the meta of head")
        same((await listed(backend, "")).map(identity), [put], "the metas of list")
        same(put?.size, size, "the size of what was put")
      }
    },
  },
  {
    name: "get: other content has another version",
    loses: "a reader would go on in the middle of another object, and a stale writer's swap would succeed.",
    async run({ backend }) {
      const seen = new Set<string>()
      // Equal sizes in quick succession: a version made of size and time would not tell them apart.
      for (let round = 0; round < 30; round++) {
        const { version } = await backend.put(key, [pattern(100, round)])
        if (seen.has(version)) fail("the version of new content", "one that no other content had", version)
        seen.add(version)
      }
    },
  },
  {
    name: "get: ifVersion of another version is refused",
    loses: "a read that goes on after an interruption would join the halves of two different objects.",
    async run({ backend }) {
      const old = await backend.put(key, [bytesOf("the old one")])
      const pinned = { ifVersion: old.version }
      sameBytes(await read(backend, key, pinned), bytesOf("the old one"), "by its version")
      const part = { ...pinned, range: { offset: 4, length: 3 } }
      sameBytes(await read(backend, key, part), bytesOf("old"), "a range by its version")
      await backend.put(key, [bytesOf("the new one")])
      await rejectsAs("precondition", backend.get(key, pinned), "get of a version that was replaced")
      await rejectsAs("precondition", backend.get(key, part), "get of a range of a version that was replaced")
    },
  },
]
