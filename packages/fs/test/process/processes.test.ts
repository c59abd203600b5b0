import { openFsStore } from "@ckpt/fs"
import { describe, expect, test } from "vitest"
import { temporaryFolder } from "../folder.js"
import type { Child } from "./support.js"
import { acknowledged, expectContents, expectSurvives, expectTidy, run, start, temporaryNames } from "./support.js"

const rounds = 4
const each = 30

/** Lets them go at the same time, and waits for both. */
async function race(children: Child[]): Promise<string[][]> {
  await Promise.all(children.map((child) => child.lines(1)))
  for (const child of children) child.process.stdin?.write("go\n")
  const all = await Promise.all(children.map((child) => child.ended))
  for (const { code, stderr } of all) expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
  return all.map(({ lines }) => lines.slice(1))
}

const idsFrom = (first: number, step: number) => Array.from({ length: each }, (_, index) => first + index * step)

describe("two processes on one root that does not exist yet", { timeout: 180_000 }, () => {
  test("distinct ids: nothing is lost, and the latest is the highest", async () => {
    for (let round = 1; round <= rounds; round++) {
      const label = `round ${round}`
      const root = `${await temporaryFolder()}/a/b`
      const [odd = [], even = []] = await race(
        [1, 2].map((first) => start("racer.mjs", [root, "", ...idsFrom(first, 2).map(String)])),
      )
      expect(
        [...odd, ...even].filter((line) => !/^ack \d+ created$/.test(line)),
        label,
      ).toEqual([])
      const acks = [...acknowledged(odd), ...acknowledged(even)].sort((a, b) => a - b)
      expect(acks, label).toEqual(idsFrom(1, 1).concat(idsFrom(each + 1, 1)))
      await using store = await openFsStore(root)
      const { ids } = await expectSurvives(store, 2 * each, label)
      expect(ids, label).toEqual(acks)
      expect((await store.loadLatest())?.checkpointId, label).toBe(2 * each)
      expect(await store.nextId(), label).toBe(2 * each + 1)
      expect(await temporaryNames(root), label).toEqual([])
    }
  })

  test("the same ids, other states: each id has one winner, whole", async () => {
    for (let round = 1; round <= rounds; round++) {
      const label = `round ${round}`
      const root = `${await temporaryFolder()}/a/b`
      // Without those that have an empty state, which is the same for both.
      const wanted = idsFrom(1, 1).filter((id) => id % 11 !== 0)
      const writers = ["left", "right"]
      const said = await race(writers.map((writer) => start("racer.mjs", [root, writer, ...wanted.map(String)])))
      await using store = await openFsStore(root)
      const wins = said.map((lines) => acknowledged(lines))
      expect(
        wins.flat().sort((a, b) => a - b),
        label,
      ).toEqual(wanted)
      for (const lines of said) {
        for (const line of lines) expect(line, label).toMatch(/^(ack \d+ created|failed \d+ CKPT_CONFLICT .*)$/)
      }
      for (const [index, won] of wins.entries()) {
        for (const id of won) await expectContents(store, id, `${label}, ${writers[index]}`, writers[index])
      }
      expect((await store.loadLatest())?.checkpointId, label).toBe(wanted.at(-1))
      expect(await temporaryNames(root), label).toEqual([])
    }
  })
})

test("400 saves at once with 256 file handles: all succeed, and the pointer ends at the highest", {
  timeout: 180_000,
}, async () => {
  const root = await temporaryFolder()
  const ids = Array.from({ length: 400 }, (_, index) => index + 1)
  const child = start("racer.mjs", [root, "", ...ids.map(String)], ["sh", "-c", 'ulimit -n 256 && exec "$@"', "sh"])
  const [lines = []] = await race([child])
  expect(lines.filter((line) => !/^ack \d+ created$/.test(line))).toEqual([])
  await using store = await openFsStore(root)
  const survivors = await expectSurvives(store, 400, "400 at once")
  expect(survivors.ids).toEqual(ids)
  await expectTidy(root, ids, "400 at once")
})

test("the limit of the shell holds for the child", async () => {
  const { lines } = await run("limit.mjs", [], ["sh", "-c", 'ulimit -n 64 && exec "$@"', "sh"])
  expect(lines).toEqual(["EMFILE"])
})
