import fc from "fast-check"
import { expect, test } from "vitest"
import { Budget } from "../../src/async/budget.js"

const turn = () => new Promise((resolve) => setImmediate(resolve))

test("who finds room has it at once; who finds none waits in turn, and small ones do not overtake a large one", async () => {
  const budget = new Budget(100)
  const [first, large, small] = [budget.share(), budget.share(), budget.share()]
  expect(first.take(60)).toBe(true)
  expect(large.take(80)).toBe(false)
  const order: string[] = []
  const waits = large.wait(80, undefined).then(() => order.push("large"))
  expect(small.take(10)).toBe(false)
  const behind = small.wait(10, undefined).then(() => order.push("small"))
  await turn()
  expect(order).toEqual([])
  first.release()
  await Promise.all([waits, behind])
  expect(order).toEqual(["large", "small"])
  large.release()
  small.release()
  expect(budget.share().take(100)).toBe(true)
})

test("more than the whole budget is had alone", async () => {
  const budget = new Budget(100)
  const [huge, other] = [budget.share(), budget.share()]
  expect(other.take(1)).toBe(true)
  expect(huge.take(1_000)).toBe(false)
  const waits = huge.wait(1_000, undefined)
  other.release()
  await waits
  expect(huge.take(1_000)).toBe(true)
  expect(other.take(1)).toBe(false)
  huge.release()
  expect(other.take(1)).toBe(true)
})

test("two that have something and want more do not wait for each other", async () => {
  const budget = new Budget(100)
  const shares = [budget.share(), budget.share()] as const
  for (const share of shares) expect(share.take(50)).toBe(true)
  const ends = shares.map(async (share) => {
    await share.wait(80, undefined)
    share.release()
  })
  await Promise.all(ends)
})

test("whoever is aborted leaves the queue, and keeps nobody waiting", async () => {
  const budget = new Budget(100)
  const [first, large, small] = [budget.share(), budget.share(), budget.share()]
  first.take(60)
  const abort = new AbortController()
  const waits = large.wait(80, abort.signal)
  const behind = small.wait(40, undefined)
  abort.abort(new Error("enough"))
  await expect(waits).rejects.toThrow("enough")
  await behind
  await expect(large.wait(1, abort.signal)).rejects.toThrow("enough")
  first.release()
  small.release()
  expect(budget.share().take(100)).toBe(true)
})

test("property: whatever is wanted, the bound holds and all come to their turn", async () => {
  const step = fc.record({ bytes: fc.nat(150), more: fc.option(fc.nat(150)), turns: fc.nat(3) })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
      const budget = new Budget(100)
      let held = 0
      const one = async ({ bytes, more, turns }: (typeof steps)[number]) => {
        const share = budget.share()
        let mine = 0
        const hold = (wanted: number) => {
          held += Math.min(wanted, 100) - mine
          mine = Math.min(wanted, 100)
          expect(held).toBeLessThanOrEqual(100)
        }
        for (const wanted of more === null ? [bytes] : [bytes, Math.max(bytes, more)]) {
          if (!share.take(wanted)) {
            hold(0)
            await share.wait(wanted, undefined)
          }
          hold(wanted)
          for (let n = 0; n < turns; n++) await turn()
        }
        hold(0)
        share.release()
      }
      await Promise.all(steps.map(one))
      expect(held).toBe(0)
      expect(budget.share().take(100)).toBe(true)
    }),
  )
})
