import type { ObjectBackend } from "@ckpt/core"
import { bytesOf } from "../harness/bytes.js"
import type { BackendCase } from "../harness/case.js"
import { forEachConcurrently } from "../harness/concurrency.js"
import { deleteAll, holds, keysOf, listed, read, same, sameBytes, sameKeys } from "./support/check.js"

/** Two keys each that a pattern of SQL, a parser, a table of numbers or Unicode's normal forms may take for one. */
const twins: readonly (readonly [string, string])[] = [
  ["a_b/1", "axb/1"],
  ["a%b/1", "a-long-b/1"],
  ["a*b/1", "a-star-b/1"],
  ["a?b/1", "aqb/1"],
  ["a[bc]d/1", "abd/1"],
  ["upper/A", "upper/a"],
  ["number/007", "number/7"],
  ["number/1e3", "number/1000"],
  ["number/0x10", "number/16"],
  ["number/1.0", "number/1"],
  ["number/-0", "number/0"],
  ["number/12345678901234567890", "number/12345678901234567891"],
  ["xml/&amp;", "xml/&"],
  ["xml/&#65;", "xml/A"],
  ["xml/<b>", "xml/&lt;b&gt;"],
  ["xml/]]>", "xml/]]&gt;"],
  ["url/%41", "url/A"],
  ["url/a%20b", "url/a b"],
  ["url/a+b", "url/a%2Bb"],
  ["url/a?b", "url/a"],
  ["url/c#d", "url/c"],
  ["space/two  spaces", "space/two spaces"],
  ["space/ before", "space/before"],
  ["space/after ", "space/after"],
  ["dot/name.", "dot/name"],
  ["dot/.name", "dot/_name"],
  ["form/\u00e9", "form/e\u0301"],
  ["form/\ufb01", "form/fi"],
  ["form/\u212b", "form/\u00c5"],
  ["form/\u0130", "form/i"],
  ["same--name/1", "same-name/1"],
  ["same__name/1", "same_name/1"],
  ["plane/\u{1f600}", "plane/\u{1f601}"],
  ["plane/\uff5e", "plane/\u{10000}"],
  ["object/__proto__", "object/constructor"],
  ["object/hasOwnProperty", "object/toString"],
  ["quote/it's", "quote/it''s"],
  ['quote/a"b', "quote/a'b"],
  ["date/2024-01-01", "date/2024-01-01T00:00:00.000Z"],
  ["bool/true", "bool/1"],
  [`long/${"x".repeat(200)}1`, `long/${"x".repeat(200)}2`],
  [`deep/${"v".repeat(200)}/${"v".repeat(200)}1`, `deep/${"v".repeat(200)}/${"v".repeat(200)}2`],
  [`${"y/".repeat(120)}1`, `${"y/".repeat(120)}2`],
  [`1/${"z".repeat(100)}`, `2/${"z".repeat(100)}`],
]

/** The keys that a listing gives, one by one. */
const keysIn = (backend: ObjectBackend, prefix: string) => {
  const iterator = backend.list(prefix)[Symbol.asyncIterator]()
  return {
    keys: [] as string[],
    /** False at the end. */
    async next() {
      const step = await iterator.next()
      if (!step.done) this.keys.push(step.value.key)
      return step.done !== true
    },
    leave: () => iterator.return?.(),
  }
}

/** Lists exactly so many keys, one number after the other. */
async function exactly(backend: ObjectBackend, counts: readonly number[]): Promise<void> {
  const keys = Array.from({ length: 10_001 }, (_, index) => `exact/${String(index).padStart(5, "0")}`)
  let there = 0
  for (const count of counts) {
    await forEachConcurrently(keys.slice(there, count), (key) => backend.put(key, []))
    there = count
    sameKeys(await keysOf(backend, "exact/"), keys.slice(0, count), `exactly ${count} keys (list)`)
  }
  await deleteAll(backend, keys, "a delete of 10,001 keys")
}

export const listingCases: readonly BackendCase[] = [
  {
    name: "list: keys that a pattern, a parser or a normal form may take for one are two",
    loses: "one operator's or sink's object would overwrite another's whose name differs in a single character.",
    async run({ backend }) {
      const keys = twins.flat()
      await forEachConcurrently(keys, (key) => backend.put(key, [bytesOf(`of ${key}`)], { when: "absent" }))
      sameKeys(await keysOf(backend, ""), [...keys].sort(), "all that is listed")
      await forEachConcurrently(keys, (key) => holds(backend, key, bytesOf(`of ${key}`), JSON.stringify(key)))
      const ends = ["a_", "a%", "a*", "a?", "a[", "%", "_", "upper/A", "xml/&", "url/%", "form/e", "y/y/", "number/1"]
      for (const prefix of ends) {
        const expected = keys.filter((key) => key.startsWith(prefix)).sort()
        sameKeys(await keysOf(backend, prefix), expected, `list of ${JSON.stringify(prefix)}`)
      }
      await deleteAll(
        backend,
        twins.map(([first]) => first),
        "a delete of one of each two keys",
      )
      const rest = twins.map(([, second]) => second)
      sameKeys(await keysOf(backend, ""), [...rest].sort(), "after a delete of one of each two keys")
      await forEachConcurrently(rest, async (key) =>
        sameBytes(await read(backend, key), bytesOf(`of ${key}`), `${JSON.stringify(key)} (get), kept`),
      )
      await forEachConcurrently(twins, async ([key]) =>
        same(await backend.head(key), undefined, `${JSON.stringify(key)} (head), deleted`),
      )
    },
  },
  {
    name: "list: thousands of keys, and prefixes of which exactly one page is there, are listed whole",
    loses:
      "checkpoints on the second page would be invisible, or seen twice: recovery would restore an old one, or none.",
    async run({ backend, thorough, seed, note }) {
      // By the beginning of its name, a prefix holds exactly 4,096, 2,048, … keys, or exactly 1,000, 100, 10.
      const all = Array.from({ length: 4096 }, (_, index) => `many/two-${index.toString(2).padStart(12, "0")}`)
      const decimal = Array.from({ length: 1000 }, (_, index) => `many/ten-0${String(index).padStart(3, "0")}`)
      const write = (keys: readonly string[]) => forEachConcurrently(keys, (key) => backend.put(key, [bytesOf(key)]))
      const begun = Date.now()
      await write(decimal)
      // A storage that takes more than a millisecond for each write is given no more than two pages of the usual size.
      const isSlow = Date.now() - begun > 1000 && !thorough && seed === undefined
      const binary = isSlow ? all.slice(0, 1024) : all
      if (isSlow) note(`with ${binary.length + decimal.length} keys; with \`thorough: true\`, more than 5,000`)
      await write([...binary, "many2/other"])
      const keys = [...binary, ...decimal].sort()
      const [first, second] = await Promise.all([listed(backend, "many/"), listed(backend, "many/")])
      for (const metas of [first, second]) {
        sameKeys(metas.map(({ key }) => key).sort(), keys, `${keys.length} keys, by one of two listings at once (list)`)
        for (const { key, size } of metas) same(size, key.length, `the size of ${key} (list)`)
      }
      const prefixes = Array.from({ length: 10 }, (_, index) => `many/two-${"0".repeat(index + 1)}`)
      for (const prefix of [
        ...prefixes,
        "many/two-",
        "many/two-1",
        "many/ten-",
        "many/ten-00",
        "many/ten-000",
        "many/ten-0999",
      ]) {
        const expected = keys.filter((key) => key.startsWith(prefix))
        sameKeys(await keysOf(backend, prefix), expected, `exactly ${expected.length} keys under ${prefix} (list)`)
      }
      // One more than a page.
      const more = "many/ten-0999-and-one"
      await write([more])
      sameKeys(
        await keysOf(backend, "many/ten-"),
        [...decimal, more],
        "1,001 keys by the beginning of their name (list)",
      )
      await deleteAll(backend, [...keys, more], `a delete of ${keys.length + 1} keys`)
      sameKeys(await keysOf(backend, ""), ["many2/other"], "after their delete")
      if (thorough) await exactly(backend, [4999, 5000, 5001, 10_000, 10_001])
    },
  },
  {
    name: "list: listings that take turns do not disturb each other",
    loses: "retention that lists while another store lists would miss checkpoints, and take their states for orphans.",
    async run({ backend, another }) {
      const names = (folder: string) =>
        Array.from({ length: 120 }, (_, index) => `${folder}/${String(index).padStart(3, "0")}`)
      await forEachConcurrently([...names("a"), ...names("b")], (key) => backend.put(key, [bytesOf(key)]))
      const other = await another()
      const listings = [keysIn(backend, "a/"), keysIn(backend, "a/"), keysIn(backend, "b/"), keysIn(other, "a/")]
      const open = new Set(listings)
      for (let turn = 0; open.size > 0; turn++) {
        for (const one of open) if (!(await one.next())) open.delete(one)
        // A listing that is given up in between, and other calls.
        if (turn % 20 !== 7) continue
        const left = keysIn(backend, "a/")
        await left.next()
        await left.leave?.()
        await backend.head("a/000")
      }
      for (const [index, { keys }] of listings.entries()) {
        sameKeys(keys.sort(), names(index === 2 ? "b" : "a"), `listing ${index + 1} of 4 that took turns (list)`)
      }
    },
  },
  {
    name: "list: keys of every plane and length are listed in pages, each once",
    loses: "a page that goes on by another order than the storage's would lose the keys in between.",
    async run({ backend }) {
      // In UTF-16 the second plane comes before U+E000, in UTF-8 behind U+FFFF.
      const letters = ["a", "~", "\u00df", "\u3042", "\ufb01", "\uff5e", "\u{10000}", "\u{2f800}"]
      const keys = letters
        .flatMap((one) => letters.flatMap((two) => [`order/${one}${two}`, `order/${one}/${two}`]))
        .sort()
      await forEachConcurrently(keys, (key) => backend.put(key, [bytesOf(key)]))
      sameKeys(await keysOf(backend, "order/"), keys, `${keys.length} keys of several planes`)
      for (const letter of letters) {
        const expected = keys.filter((key) => key.startsWith(`order/${letter}`))
        sameKeys(await keysOf(backend, `order/${letter}`), expected, `list of ${JSON.stringify(`order/${letter}`)}`)
      }
    },
  },
]
