import { readFile } from "node:fs/promises"
import { expect, test } from "vitest"
import { type Flight, FlightFile } from "../src/flights.js"

test("read in batches of any size, each from where the one before ended, it is the whole file once", async () => {
  await using file = await FlightFile.open()
  const whole = await file.read(FlightFile.start, 200_000)
  const json = await readFile(new URL("../data/flights-200k.json", import.meta.resolve("vega-datasets")), "utf8")
  const rows = JSON.parse(json) as { time: number; distance: number; delay: number }[]
  expect(rows).toHaveLength(200_000)
  const expected = rows.map(({ time, distance, delay }) => ({ minute: Math.round(time * 60), distance, delay }))
  // As text: comparing so many objects one by one takes seconds.
  const same = (flights: readonly Flight[]) => JSON.stringify(flights) === JSON.stringify(expected)
  expect(same(whole.flights)).toBe(true)
  expect(whole.end).toBe(true)
  for (const size of [3000, 50_000, 66_667, 300_000]) {
    const flights: Flight[] = []
    let position = FlightFile.start
    for (let end = false; !end; ) {
      const batch = await file.read(position, size)
      for (const flight of batch.flights) flights.push(flight)
      position = batch.next
      end = batch.end
    }
    expect(same(flights), `batches of ${size}`).toBe(true)
    expect(position).toBe(whole.next)
  }
})

test("after the last one there are none", async () => {
  await using file = await FlightFile.open()
  const { next } = await file.read(FlightFile.start, 200_000)
  expect(await file.read(next, 10)).toEqual({ flights: [], next, end: true })
})

test("a position that no batch ended at is refused", async () => {
  await using file = await FlightFile.open()
  await expect(file.read(100_000_000, 10)).rejects.toThrow("no flight and no end")
})

test("they are in the order of their departure, in whole minutes of a day", async () => {
  await using file = await FlightFile.open()
  const { flights } = await file.read(FlightFile.start, 200_000)
  const minutes = flights.map(({ minute }) => minute)
  expect(minutes.every((minute, i) => Number.isInteger(minute) && minute >= (minutes[i - 1] ?? 0))).toBe(true)
  expect(minutes.at(-1)).toBe(1439)
})
