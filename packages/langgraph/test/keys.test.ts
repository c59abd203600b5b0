import fc from "fast-check"
import { expect, test } from "vitest"
import { behind, checkpointKey, descending, idOf, nameOf, parseKey, taskPrefix, writesKey } from "../src/keys.js"

// Every text: of astral characters, of halves of them, and long.
const aText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)), maxLength: 60 }),
  fc.string({ unit: fc.constantFrom("a", "_", "A", "5", "f", "|"), maxLength: 100 }),
)
const anId = fc.oneof(fc.uuid(), fc.string({ unit: "binary", minLength: 1, maxLength: 16 }))

/** The order of ids: of their bytes. */
const order = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))

test("two texts never have one name, also where case is folded, and a name fits between two slashes", () => {
  fc.assert(
    fc.property(aText, aText, (a, b) => {
      expect(nameOf(a)).toMatch(/^[a-z0-9_-]{1,80}$/)
      expect(nameOf(a) === nameOf(b)).toBe(a === b)
    }),
  )
})

test("names of checkpoints descend, and give the id back", () => {
  fc.assert(
    fc.property(anId, anId, (a, b) => {
      expect(Math.sign(order(descending(a), descending(b)))).toBe(-Math.sign(order(a, b)))
      expect(idOf(descending(a))).toBe(a)
    }),
  )
})

test("what belongs to a checkpoint comes behind it, and before the next", () => {
  fc.assert(
    fc.property(anId, anId, aText, fc.nat(1000), (id, older, task, number) => {
      fc.pre(order(older, id) < 0)
      const base = `c/thread/_/${descending(id)}`
      const key = writesKey(base, task, number)
      expect(key.startsWith(taskPrefix(base, task))).toBe(true)
      expect(key.slice(key.lastIndexOf("/") + 1).length).toBeLessThanOrEqual(240)
      const next = checkpointKey(`c/thread/_/${descending(older)}`)
      const inOrder = [checkpointKey(base), key, behind(base), next]
      expect(inOrder.toSorted(order)).toEqual(inOrder)
      expect(parseKey(key)).toEqual({ base, checkpointId: id, isCheckpoint: false })
      expect(parseKey(checkpointKey(base))).toEqual({ base, checkpointId: id, isCheckpoint: true })
    }),
  )
})

test.each(["", "x".repeat(65), "\ud800"])("the id %j is refused", (id) => {
  expect(() => descending(id)).toThrow(expect.objectContaining({ code: "CKPT_INVALID" }))
})

test.each(["c/t/_/zz.c", "c/t/_/9ez", "c/t/_/9ez.d", "v/t/020000/hash", "c/t/9ez.c"])("%s is another's", (key) => {
  expect(parseKey(key)).toBeUndefined()
})
