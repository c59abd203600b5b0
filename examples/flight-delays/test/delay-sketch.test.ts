import { describe, expect, test } from "vitest"
import { addDelay, mergeInto, SKETCH_LENGTH, summarize } from "../src/delay-sketch.js"

function sketchOf(delays: Iterable<number>): Float64Array {
  const sketch = new Float64Array(SKETCH_LENGTH)
  for (const delay of delays) addDelay(sketch, delay)
  return sketch
}

describe("delay sketch", () => {
  test("without flights there is nothing to say", () => {
    expect(summarize(sketchOf([]))).toBeUndefined()
  })

  test("one flight is every quantile", () => {
    expect(summarize(sketchOf([-7]))).toEqual({ flights: 1, meanDelay: -7, p50: -7, p90: -7, p99: -7 })
  })

  test("quantiles are nearest ranks, exact up to 127 minutes", () => {
    const delays = Array.from({ length: 100 }, (_, i) => i - 20)
    expect(summarize(sketchOf(delays))).toEqual({ flights: 100, meanDelay: 29.5, p50: 29, p90: 69, p99: 78 })
  })

  test.each([-128, -86, -1, 0, 63, 64, 127])("%i minutes are exact", (delay) => {
    expect(summarize(sketchOf([delay]))!.p50).toBe(delay)
  })

  test("every longer delay comes back within 1/128", () => {
    for (let delay = 128; delay <= 4095; delay++) {
      const p50 = summarize(sketchOf([delay]))!.p50
      expect(Math.abs(p50 - delay), `${delay} came back as ${p50}`).toBeLessThanOrEqual(delay / 128)
    }
  })

  test("a longer delay never gives a smaller quantile", () => {
    let last = Number.NEGATIVE_INFINITY
    for (let delay = -128; delay <= 4095; delay++) {
      const p50 = summarize(sketchOf([delay]))!.p50
      expect(p50).toBeGreaterThanOrEqual(last)
      last = p50
    }
  })

  test("beyond the ends a flight is counted in the last bucket, and exactly in the mean", () => {
    const summary = summarize(sketchOf([-1000, 100_000]))!
    expect(summary).toMatchObject({ flights: 2, meanDelay: 49_500, p50: -128 })
    expect(summary.p99).toBeGreaterThan(4000)
  })

  test("merged in any order it is byte for byte the sketch of all flights", () => {
    const parts = [[1, 2, 300], [-5], [], [1444, 7, 7]]
    const whole = sketchOf(parts.flat())
    for (const order of [parts, parts.toReversed()]) {
      const merged = sketchOf([])
      for (const part of order) mergeInto(merged, sketchOf(part))
      expect(merged).toEqual(whole)
    }
  })

  test("half a minute is refused", () => {
    expect(() => sketchOf([0.5])).toThrow(RangeError)
  })
})
