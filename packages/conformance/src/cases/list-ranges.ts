import type { ListRangeOptions, ObjectBackend } from "@ckpt/core"
import { bytesOf } from "../harness/bytes.js"
import type { BackendCase } from "../harness/case.js"
import { forEachConcurrently } from "../harness/concurrency.js"
import { identity, listed, same } from "./support/check.js"

/** The keys of a range, in the order in which the backend gives them. Names that are taken without an object are left out. */
async function keysInOrder(backend: ObjectBackend, prefix: string, range: ListRangeOptions): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of backend.list(prefix, range)) if (!key.endsWith("/")) keys.push(key)
  return keys
}

const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))

/** The answer that the contract asks for. */
function expected(keys: readonly string[], prefix: string, { after = "", limit }: ListRangeOptions): string[] {
  return keys
    .filter((key) => key.startsWith(prefix) && byBytes(key, after) > 0)
    .sort(byBytes)
    .slice(0, limit)
}

const told = (prefix: string, range: ListRangeOptions) => `list of ${JSON.stringify(prefix)} ${JSON.stringify(range)}`

async function sameRange(
  backend: ObjectBackend,
  keys: readonly string[],
  prefix: string,
  range: ListRangeOptions,
): Promise<void> {
  same(await keysInOrder(backend, prefix, range), expected(keys, prefix, range), told(prefix, range))
}

const numbered = (count: number, prefix: string) =>
  Array.from({ length: count }, (_, index) => `${prefix}${String(index).padStart(5, "0")}`)

const write = (backend: ObjectBackend, keys: readonly string[]) =>
  forEachConcurrently(keys, (key) => backend.put(key, [bytesOf(key)]))

/** Names whose order differs between bytes, UTF-16, letters without case, numbers, and folders that come as one name. */
const unordered: readonly string[] = [
  ...[
    "t/b",
    "t/B",
    "t/a",
    "t/_",
    "t/10",
    "t/9",
    "t/09",
    "t/é",
    "t/e\u0301",
    "t/z",
    "t/日本",
    "t/\uff5e",
    "t/~",
    "t/a b",
  ],
  // "-" and "." stand before "/", "0" behind it.
  ...["t/x/1", "t/x-1", "t/x.1", "t/x0", "t/x/y/1", "t/x/y-1", "t/x!", "t/xa/1", "t/x/y.z/1", "t/x/y/z/1"],
  ...["t-1", "t.1/1", "t0", "s/1", "u/1"],
]

export const listRangeCases: readonly BackendCase[] = [
  {
    name: "list: with a start or a limit the keys ascend by their bytes",
    loses: "the first entry would not be the latest of a thread, and an older one would be taken for it.",
    async run({ backend }) {
      await write(backend, unordered)
      for (const prefix of ["", "t", "t/", "t/x", "t/x/", "t/x/y", "t/x/y/", "v/"]) {
        for (const limit of [1, 2, 3, unordered.length, 1000]) await sameRange(backend, unordered, prefix, { limit })
        await sameRange(backend, unordered, prefix, { after: prefix })
      }
    },
  },
  {
    name: "list: a start is exclusive, and need not be the key of an object",
    loses: "a reader that goes on behind the last entry would see it again, or miss the next one.",
    async run({ backend }) {
      await write(backend, unordered)
      const texts = unordered.filter((key) => key.startsWith("t/"))
      const between = ["t/", "t/!", "t/a!", "t/x", "t/x/", "t/x/y/", "t/x/y/zz", "t/x/zzz", "t/x~", "t/~~", "t/\uffee"]
      for (const after of [...texts, ...between]) {
        await sameRange(backend, unordered, "t/", { after })
        await sameRange(backend, unordered, "t/", { after, limit: 2 })
      }
      // The start begins with the prefix, and so does all behind it.
      for (const after of ["t/x/", "t/x/1", "t/x/y/1", "t/x/z"]) await sameRange(backend, unordered, "t/x/", { after })
      same(await keysInOrder(backend, "t/", { after: "t/\uffee\uffee" }), [], "a list that starts behind the last key")
      same(await keysInOrder(backend, "t/", { after: "t/\uffee", limit: 1 }), [], "the same with a limit")
    },
  },
  {
    name: "list: a limit cuts at the border of a page, and behind it",
    loses: "entries at the border of a page would be left out, or the listing would end before its limit.",
    async run({ backend }) {
      const keys = numbered(1101, "page/")
      await write(backend, [...keys, "page0", "pagf/1"])
      for (const limit of [1, 999, 1000, 1001, 1101, 1102]) await sameRange(backend, keys, "page/", { limit })
      for (const start of [0, 100, 999, 1000, 1100]) {
        const after = keys[start] as string
        await sameRange(backend, keys, "page/", { after })
        for (const limit of [1, 100, 1000]) await sameRange(backend, keys, "page/", { after, limit })
      }
    },
  },
  {
    name: "list: pages of every size, one behind the other, give each key once",
    loses: "a program that reads a long thread page by page would miss entries, or read some twice.",
    async run({ backend, another }) {
      const keys = [...unordered, ...numbered(50, "t/n/")]
      await write(backend, keys)
      const other = await another()
      const paged = async (limit: number) => {
        const seen: string[] = []
        for (let after: string | undefined; ; ) {
          const page = await keysInOrder(seen.length % 2 === 0 ? backend : other, "t/", { after, limit })
          seen.push(...page)
          if (page.length < limit || seen.length > keys.length) break
          after = page.at(-1)
        }
        same(seen, expected(keys, "t/", {}), `pages of ${limit}`)
      }
      for (const limit of [1, 2, 7, 25]) await paged(limit)
    },
  },
  {
    name: "list: ranges that are listed at the same time do not disturb each other",
    loses: "two readers of one thread would see each other's pages.",
    async run({ backend, another }) {
      const keys = [...numbered(120, "a/"), ...numbered(40, "b/")]
      await write(backend, keys)
      const other = await another()
      const ranges: [ObjectBackend, string, ListRangeOptions][] = [
        [backend, "a/", { limit: 60 }],
        [backend, "a/", { after: "a/00059", limit: 60 }],
        [backend, "a/", { after: "a/00100" }],
        [backend, "b/", { limit: 1 }],
        [other, "a/", { after: "a/00010", limit: 100 }],
        [other, "b/", { after: "b/00005" }],
      ]
      const listings = ranges.map(([one, prefix, range]) => ({
        keys: [] as string[],
        iterator: one.list(prefix, range)[Symbol.asyncIterator](),
      }))
      const open = new Set(listings)
      while (open.size > 0) {
        for (const one of open) {
          const step = await one.iterator.next()
          if (step.done) open.delete(one)
          else one.keys.push(step.value.key)
        }
      }
      for (const [index, [, prefix, range]] of ranges.entries()) {
        same(listings[index]?.keys, expected(keys, prefix, range), `${told(prefix, range)}, in turns with others`)
      }
    },
  },
  {
    name: "list: a range shows every earlier write and delete, and describes objects as a whole listing does",
    loses: "the entry that was acknowledged last would be missed, and an older one taken for the latest.",
    async run({ backend, another }) {
      const other = await another()
      const keys = numbered(20, "r/").reverse()
      // Each new key is the first of all.
      for (const [index, key] of keys.entries()) {
        await backend.put(key, [bytesOf(key)])
        same(await keysInOrder(other, "r/", { limit: 1 }), [key], `the first after ${index + 1} writes`)
      }
      await other.put("r/00003", [bytesOf("longer than before")])
      const whole = new Map((await listed(backend, "r/")).map((meta) => [meta.key, meta]))
      for await (const meta of backend.list("r/", { after: "r/00001", limit: 5 })) {
        same(identity(meta), identity(whole.get(meta.key)), `${meta.key} in a range`)
        same(meta.lastModified, whole.get(meta.key)?.lastModified, `the time of ${meta.key} in a range`)
      }
      await other.delete(["r/00000", "r/00002"])
      same(await keysInOrder(backend, "r/", { limit: 2 }), ["r/00001", "r/00003"], "the first two after a delete")
    },
  },
]
