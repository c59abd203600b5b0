import { bytesOf } from "../harness/bytes.js"
import type { BackendCase } from "../harness/case.js"
import { forEachConcurrently } from "../harness/concurrency.js"
import {
  deleteAll,
  holds,
  identity,
  isAbsent,
  keysOf,
  listed,
  read,
  same,
  sameBytes,
  sameKeys,
} from "./support/check.js"

/** Keys are never decoded: "%2e%2e", "%20" and "+" are names like any other. */
const oddKeys: readonly string[] = [
  ...["a b", "a%20b", "a+b", "a%2Fb", "a/b", "a%2fb", "%2e%2e/c", "%2e", "..c", ".hidden", "c..", "-", "~", "_"],
  ...[
    "quote'single",
    'quote"double',
    "back`tick",
    "amp&ersand",
    "semi;colon",
    "hash#tag",
    "question?mark",
    "a=b",
    "a,b",
  ],
  ...[
    "at@sign",
    "dollar$",
    "star*",
    "paren(theses)",
    "bracket[s]",
    "brace{s}",
    "colon:",
    "less<greater>",
    "pipe|",
    "a!",
  ],
  ...["~'()*!", "a b+c%2Fd&e=f#g?h", "&=", "?x=1", "a%", "%zz"],
  ...["é", "日本語/チェックポイント", "🙂", "مرحبا", "__proto__", "constructor", "toString/x", "null", "0", "%"],
  `long/${"n".repeat(240)}/${"m".repeat(240)}/${"o".repeat(240)}`,
]

export const listCases: readonly BackendCase[] = [
  {
    name: "list: an empty storage lists nothing",
    loses: "a new store could not be opened.",
    async run({ backend }) {
      same(await keysOf(backend, ""), [], "all that is listed")
      same(await keysOf(backend, "checkpoints/"), [], "the keys under a prefix")
      same(await backend.delete(["checkpoints/none"]), [], "the failures of a delete")
    },
  },
  {
    name: "list: a prefix is plain text, not a folder",
    loses: "retention would count, and remove, the checkpoints of a store with a similar name.",
    async run({ backend }) {
      const keys = ["a/1", "a/12", "a/2", "a/b1", "a/c/1", "aa/1", "ab/1", "b/a/1", "c/a"]
      for (const key of keys) await backend.put(key, [bytesOf(key)])
      for (const prefix of ["", "a", "a/", "a/1", "a/12", "a/c", "a/c/", "ab", "b/", "b/a/", "c", "d", "1", "A"]) {
        const expected = keys.filter((key) => key.startsWith(prefix))
        sameKeys(await keysOf(backend, prefix), expected, `list of ${JSON.stringify(prefix)}`)
      }
    },
  },
  {
    name: "list: keys on every level below the prefix are listed",
    loses: "states that lie deeper than their manifests would never be found by retention, and fill the storage.",
    async run({ backend }) {
      const keys = ["a/b/c/d/e/f", "a/b/c/d/g", "a/b/h/i", "a/j", "k"].sort()
      for (const key of keys) await backend.put(key, [bytesOf(key)])
      sameKeys(await keysOf(backend, ""), keys, "all that is listed")
      sameKeys(await keysOf(backend, "a/b/"), ["a/b/c/d/e/f", "a/b/c/d/g", "a/b/h/i"], "the keys below a/b/")
    },
  },
  {
    name: "list: odd keys are listed, read and deleted as they are",
    loses:
      "a source, an operator or a pin with an unusual name would be stored under another's, or not be found again.",
    async run({ backend }) {
      for (const key of oddKeys) await backend.put(key, [bytesOf(`of ${key}`)], { when: "absent" })
      sameKeys(await keysOf(backend, ""), [...oddKeys].sort(), "all that is listed")
      for (const key of oddKeys) {
        await holds(backend, key, bytesOf(`of ${key}`), JSON.stringify(key))
        same((await keysOf(backend, key)).includes(key), true, `${JSON.stringify(key)} is listed by itself`)
      }
      const [half, rest] = [
        oddKeys.filter((_, index) => index % 2 === 0),
        oddKeys.filter((_, index) => index % 2 === 1),
      ]
      await deleteAll(backend, half, "a delete of every second one")
      sameKeys(await keysOf(backend, ""), [...rest].sort(), "after the delete of every second one")
      for (const key of rest) sameBytes(await read(backend, key), bytesOf(`of ${key}`), `${JSON.stringify(key)}, kept`)
    },
  },
  {
    name: "list: a listing shows every earlier write and delete",
    loses: "a checkpoint that was acknowledged would be missed by the recovery that follows, and a pruned one tried.",
    async run({ backend, another }) {
      const other = await another()
      for (let round = 0; round < 5; round++) {
        const key = `folder/${round}`
        const first = await backend.put(key, [bytesOf("1")])
        same((await listed(other, "folder/")).map(identity), [identity(first)], "list after a write")
        const second = await other.put(key, [bytesOf("1, longer")])
        same((await listed(backend, "folder/")).map(identity), [identity(second)], "list after an overwrite")
        await backend.delete([key])
        same(await keysOf(other, "folder/"), [], "list after a delete")
        await isAbsent(other, key, "after a delete")
      }
    },
  },
  {
    name: "list: a listing is complete while others write and delete",
    loses: "a checkpoint that lies on the storage all the time would be missed because another was pruned meanwhile.",
    async run({ backend, another }) {
      const other = await another()
      const name = (index: number, kind: string) => `many/${String(index).padStart(4, "0")}-${kind}`
      const kept = Array.from({ length: 1100 }, (_, index) => name(index, "kept"))
      const passing = Array.from({ length: 120 }, (_, index) => name(index * 9, "gone"))
      await forEachConcurrently([...kept, ...passing], (key) => backend.put(key, [bytesOf(key)]))
      const seen: string[] = []
      let next = 0
      for await (const { key } of backend.list("many/")) {
        if (key.endsWith("kept")) seen.push(key)
        // Before and behind the place that the listing has reached.
        if (seen.length % 10 === 5 && next < passing.length) {
          await other.delete([passing[next] ?? "", passing[passing.length - 1 - next] ?? ""])
          await other.put(name(next, "new"), [bytesOf("new")])
          next++
        }
      }
      sameKeys(seen.sort(), kept, "the keys that were there all the time")
    },
  },
]
