import { describe, expect, test } from "vitest"
import type { DelaySummary } from "../src/delay-sketch.js"
import { bands, DelayWindows } from "../src/delay-windows.js"
import { type Flight, FlightFile } from "../src/flights.js"

type Line = DelaySummary & { window: string; miles: string }

function process(windows: DelayWindows, flights: readonly Flight[]): string[] {
  const lines: string[] = []
  for (const flight of flights) {
    lines.push(...windows.advanceTo(flight.minute))
    windows.add(flight)
  }
  return lines
}

const parse = (lines: readonly string[]) => lines.map((line) => JSON.parse(line) as Line)

describe("delay windows", () => {
  test.each([
    [0, "0-250"],
    [249, "0-250"],
    [250, "250-500"],
    [499, "250-500"],
    [500, "500-1000"],
    [1000, "1000-1500"],
    [1499, "1000-1500"],
    [1500, "1500+"],
    [4962, "1500+"],
  ])("%i miles are in band %s", (distance, miles) => {
    const windows = new DelayWindows()
    windows.add({ minute: 0, distance, delay: 3 })
    expect(parse(windows.finish()).map((line) => [line.window, line.miles, line.flights])).toEqual([
      ["00:00-00:05", miles, 1],
      ["day", miles, 1],
    ])
  })

  test("a flight is in the windows of one hour and in no later one", () => {
    const windows = new DelayWindows()
    const lines = process(windows, [
      { minute: 30, distance: 100, delay: 5 },
      { minute: 200, distance: 100, delay: 9 },
    ])
    const seen = parse(lines).filter(({ meanDelay }) => meanDelay === 5)
    expect(seen.map(({ window }) => window)).toEqual([
      "00:00-00:35",
      "00:00-00:40",
      "00:00-00:45",
      "00:00-00:50",
      "00:00-00:55",
      "00:00-01:00",
      "00:05-01:05",
      "00:10-01:10",
      "00:15-01:15",
      "00:20-01:20",
      "00:25-01:25",
      "00:30-01:30",
    ])
    expect(windows.watermark).toBe(200)
  })

  test("a flight outside the open pane is refused", () => {
    const windows = new DelayWindows()
    windows.advanceTo(60)
    expect(() => windows.add({ minute: 59, distance: 100, delay: 0 })).toThrow(RangeError)
    expect(() => windows.add({ minute: 65, distance: 100, delay: 0 })).toThrow(RangeError)
  })

  test("restored from its bytes at any point, it goes on as if nothing had happened", async () => {
    const flights = await readFlights(6000)
    const whole = new DelayWindows()
    const expected = process(whole, flights)
    for (const cut of [0, 1, 1999, 3500, 6000]) {
      const before = new DelayWindows()
      const lines = process(before, flights.slice(0, cut))
      // One byte off, as a slice of a state file may be.
      const shifted = (bytes: Uint8Array) => Buffer.concat([Buffer.of(0), bytes]).subarray(1)
      const after = DelayWindows.restore(shifted(before.day), shifted(before.panes))
      lines.push(...process(after, flights.slice(cut)))
      expect(lines).toEqual(expected)
      expect(Buffer.compare(after.day, whole.day)).toBe(0)
      expect(Buffer.compare(after.panes, whole.panes)).toBe(0)
    }
  })

  test("the state goes to both places: one operator into the manifest, the other into state.bin", () => {
    const windows = new DelayWindows()
    expect(windows.day.length).toBeLessThan(64 * 1024)
    expect(windows.panes.length).toBeGreaterThan(64 * 1024)
  })

  test("a state of another shape is refused", () => {
    const { day, panes } = new DelayWindows()
    expect(() => DelayWindows.restore(day, panes.subarray(8))).toThrow("another version")
  })

  // The same numbers, from all flights at once, without panes, sketches or state.
  test("every line for the real flights is right", async () => {
    const flights = await readFlights(200_001)
    expect(flights).toHaveLength(200_000)
    const windows = new DelayWindows()
    const lines = parse([...process(windows, flights), ...windows.finish()])
    const minutes = (clock: string) => Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3))
    const delaysAt = new Map(bands.map((miles) => [miles as string, Array.from({ length: 1440 }, (): number[] => [])]))
    for (const { minute, distance, delay } of flights) delaysAt.get(bandOf(distance))![minute]!.push(delay)
    for (const line of lines) {
      const [from = 0, to = 1440] = line.window === "day" ? [] : line.window.split("-").map(minutes)
      const delays = delaysAt.get(line.miles)!.slice(from, to).flat()
      delays.sort((a, b) => a - b)
      const exact = (percent: number) => delays[Math.ceil((delays.length * percent) / 100) - 1]!
      expect(line.flights, line.window).toBe(delays.length)
      expect(line.meanDelay).toBeCloseTo(delays.reduce((sum, delay) => sum + delay, 0) / delays.length, 1)
      for (const [percent, value] of [[50, line.p50] as const, [90, line.p90] as const, [99, line.p99] as const]) {
        expect(Math.abs(value - exact(percent)), line.window).toBeLessThanOrEqual(Math.max(0, exact(percent) / 128))
      }
    }
    const day = lines.filter(({ window }) => window === "day")
    expect(day.reduce((sum, line) => sum + line.flights, 0)).toBe(200_000)
    expect(new Set(lines.map(({ window, miles }) => `${window} ${miles}`)).size).toBe(lines.length)
  })
})

async function readFlights(count: number): Promise<Flight[]> {
  await using file = await FlightFile.open()
  return (await file.read(FlightFile.start, count)).flights
}

function bandOf(miles: number): string {
  if (miles < 250) return "0-250"
  if (miles < 500) return "250-500"
  if (miles < 1000) return "500-1000"
  return miles < 1500 ? "1000-1500" : "1500+"
}
