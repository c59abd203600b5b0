import { bytesOf, pattern } from "../harness/bytes.js"
import type { BackendCase } from "../harness/case.js"
import { forEachConcurrently } from "../harness/concurrency.js"
import { fail, holds, opened, outcome, rejectsAs, same } from "./support/check.js"
import { committed, manifestKey, pointerKey } from "./support/commit.js"

const key = "folder/object"

/**
 * Texts that are not this version, although a loose comparison may take them for it. Quotes and the like stay: they are the
 * form of a version on its storage, not its value. So does a zero before a number.
 */
function lookalikes(version: string): string[] {
  const runs = [...version.matchAll(/[a-z0-9]+/gi)].sort((a, b) => b[0].length - a[0].length)
  const [{ 0: value, index } = { 0: version, index: 0 }] = runs
  const last = value.at(-1) ?? ""
  const other = /\d/.test(last) ? String((Number(last) + 1) % 10) : last === "a" ? "b" : "a"
  const swapped = value === value.toUpperCase() ? value.toLowerCase() : value.toUpperCase()
  const zeroed = /^\d+$/.test(value) ? [] : [`0${value}`]
  // A hash has one length, and some servers compare no more than that.
  const longer = value.length < 20 ? [`${value}0`, `${value}7`, `${value}x`] : []
  const half = value.slice(0, Math.ceil(value.length / 2))
  const values = [
    ...[value.slice(0, -1), value.slice(1), half, `${value.slice(0, -1)}${other}`, swapped],
    ...zeroed,
    ...longer,
  ]
  const texts = values
    .filter((one) => one !== "")
    .map((one) => version.slice(0, index) + one + version.slice(index + value.length))
  return [...new Set(texts)].filter((one) => one !== version)
}

function toggle(bytes: Uint8Array, at: number, bits: number): void {
  bytes[at] = (bytes[at] ?? 0) ^ bits
}

/** Contents of one size of which weak checksums are equal. */
function collisions(): Record<string, [Uint8Array, Uint8Array]> {
  const base = () => pattern(256, 7)
  const changed = (change: (bytes: Uint8Array) => void) => {
    const bytes = base()
    change(bytes)
    return bytes
  }
  // x³² + … as a pattern of bits: whatever it is added to, the remainder stays.
  const multiple = (polynomial: bigint) =>
    changed((bytes) => {
      for (let bit = 0; bit <= 32; bit++) {
        if (((polynomial >> BigInt(32 - bit)) & 1n) === 1n) toggle(bytes, 100 + (bit >> 3), 1 << (bit & 7))
      }
    })
  return {
    "the first half": [base(), changed((bytes) => void bytes.fill(1, 200))],
    "both ends": [base(), changed((bytes) => void bytes.fill(1, 120, 136))],
    "the sum": [changed((bytes) => void bytes.set([10, 20], 100)), changed((bytes) => void bytes.set([11, 19], 100))],
    "a sum with places": [
      changed((bytes) => void bytes.set([10, 20, 10], 100)),
      changed((bytes) => void bytes.set([11, 18, 11], 100)),
    ],
    "the exclusive or": [
      changed((bytes) => void bytes.set([1, 0, 0, 0, 0, 0, 0, 0], 104)),
      changed((bytes) => void bytes.set([0, 0, 0, 0, 1, 0, 0, 0], 104)),
    ],
    "the order of bytes": [base(), changed((bytes) => void bytes.reverse())],
    "CRC-32": [base(), multiple(0x104c11db7n)],
    "CRC-32C": [base(), multiple(0x11edc6f41n)],
    "the last byte": [base(), changed((bytes) => toggle(bytes, 255, 1))],
  }
}

export const versionCases: readonly BackendCase[] = [
  {
    name: "version: a condition holds for the very version alone, not for one that looks like it",
    loses: "a delayed writer's swap would succeed over a version that it never saw, and undo what came meanwhile.",
    async run({ backend }) {
      // A version with a digit at its end may be a number: several are tried.
      for (let round = 0; round < 6; round++) {
        const { version } = await backend.put(key, [pattern(100, round)])
        await forEachConcurrently(lookalikes(version), async (other) => {
          const what = `with the version ${JSON.stringify(other)} where the object has ${JSON.stringify(version)}`
          await rejectsAs(
            "precondition",
            backend.put(key, [bytesOf("late")], { when: { version: other } }),
            `put ${what}`,
          )
          await rejectsAs("precondition", backend.get(key, { ifVersion: other }), `get ${what}`)
          await rejectsAs(
            "precondition",
            backend.get(key, { ifVersion: other, range: { offset: 1, length: 2 } }),
            `a range ${what}`,
          )
        })
        same((await holds(backend, key, pattern(100, round), "after it")).version, version, "the version after it")
      }
    },
  },
  {
    name: "version: contents that differ in any one place have different versions",
    loses: "a swap would succeed over another writer's content, because the two contents look alike from afar.",
    async run({ backend }) {
      for (const [what, [one, other]] of Object.entries(collisions())) {
        const first = await backend.put(key, [one])
        const second = await backend.put(key, [other])
        const told = `two contents of one size that ${what} does not tell apart`
        if (first.version === second.version) fail(`the versions (put) of ${told}`, "two versions", first.version)
        await rejectsAs(
          "precondition",
          backend.put(key, [one], { when: { version: first.version } }),
          `a swap over ${told}`,
        )
      }
      // Every byte counts, also of a longer object.
      const seen = new Set<string>()
      for (const at of [-1, 0, 63, 64, 511, 512, 1023, 1024, 4095, 4096, 65_535, 65_536, 99_999]) {
        const bytes = pattern(100_000)
        if (at >= 0) toggle(bytes, at, 0x55)
        const { version } = await backend.put(key, [bytes])
        if (seen.has(version))
          fail(`the version of an object whose byte ${at} differs`, "one that no other has", version)
        seen.add(version)
      }
    },
  },
  {
    name: "version: no two of many contents have one version",
    loses: "once in a while a swap would succeed over another writer's content, by chance.",
    async run({ backend, thorough, seed, note }) {
      // Of n bits, 1.2 · √2ⁿ contents give an equal pair more often than not. A storage that is fast is asked for more.
      const seen = new Map<string, number>()
      const content = (index: number) => [bytesOf(`content ${String(index).padStart(8, "0")}`)]
      const limit = thorough ? 200_000 : seed === undefined ? 20_000 : 2000
      const end = seed === undefined ? Date.now() + (thorough ? 60_000 : 1_000) : Number.POSITIVE_INFINITY
      let suspects = 0
      for (let count = 0; count < limit && (count < 200 || Date.now() < end); count += 100) {
        const all = Array.from({ length: 100 }, (_, index) => count + index)
        await forEachConcurrently(all, async (index) => {
          const { version } = await backend.put(`many/${index % 100}`, content(index))
          const before = seen.get(version)
          seen.set(version, index)
          // Objects of two keys may have equal versions, by their numbers for example. Of one key they must differ.
          if (before === undefined || ++suspects > 20) return
          // At once: a version that is made of the time would otherwise differ by chance.
          const pair = await Promise.all(
            [before, index].map((one) => outcome(backend.put(`pair/${index}`, content(one)))),
          )
          const [first, second] = pair.map(({ value }) => value?.version)
          if (first !== undefined && first === second)
            fail(`the versions (put) of contents ${before} and ${index}, of one key and size`, "two versions", first)
        })
      }
      note(`${seen.size} contents`)
    },
  },
  {
    name: "version: an object that was removed and created anew has another version",
    loses: "a writer that slept through a removal would replace what another writer created in its place.",
    async run({ backend, another }) {
      const other = await another()
      const seen = new Set<string>()
      for (let round = 0; round < 12; round++) {
        const by = round % 2 === 0 ? backend : other
        const { version } = await by.put(key, [pattern(100, round)], { when: "absent" })
        if (seen.has(version))
          fail("the version of an object that was created anew, with other content", "a new one", version)
        seen.add(version)
        for (const old of seen) {
          if (old === version) continue
          await rejectsAs(
            "precondition",
            backend.put(key, [bytesOf("late")], { when: { version: old } }),
            "a swap over it",
          )
        }
        await backend.delete([key])
      }
    },
  },
  {
    name: "version: each move of the pointer by a commit gives it another version",
    loses: "a claim or a prune that read the pointer before a save would overwrite what that save wrote.",
    needs: ["commit"],
    async run({ backend, another, note }) {
      const other = await another()
      const seen = new Set<string>()
      let { version } = await backend.put(pointerKey, [bytesOf("00")])
      for (let id = 1; id <= 8; id++) {
        const before = version
        seen.add(before)
        const decide = () => bytesOf(String(id).padStart(2, "0"))
        const create = [{ key: manifestKey(id), body: [bytesOf(`manifest ${id}`)] }]
        if (
          (await committed(id % 2 === 0 ? backend : other, { create, pointer: { key: pointerKey, decide } }, note)) ===
          undefined
        )
          return
        const stale = { when: { version: before } }
        await rejectsAs(
          "precondition",
          backend.put(pointerKey, [bytesOf("late")], stale),
          "a swap (put) of a pointer that a commit has moved",
        )
        await rejectsAs(
          "precondition",
          backend.get(pointerKey, { ifVersion: before }),
          "get of a pointer's version that a commit has replaced",
        )
        const content = await opened(backend, pointerKey)
        await content.body[Symbol.asyncIterator]().return?.()
        version = content.meta.version
        if (seen.has(version)) fail("the version of a pointer that a commit moved", "a new one", version)
        // By turns the pointer is moved by a swap too.
        if (id % 3 === 0) {
          seen.add(version)
          version = (await backend.put(pointerKey, [bytesOf(`x${id}`)], { when: { version } })).version
        }
      }
    },
  },
]
