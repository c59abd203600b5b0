import { readFile } from "node:fs/promises"

export interface Flight {
  /** Scheduled departure, minutes after midnight. */
  readonly minute: number
  /** Miles. */
  readonly distance: number
  /** Minutes; negative is early. */
  readonly delay: number
}

/** 200,000 real flights in the order of their departure. Record i is always the same one: what an offset needs. */
export async function readFlights(records = Number.POSITIVE_INFINITY): Promise<Flight[]> {
  // The package exports its code only; its data are files beside it.
  const file = new URL("../data/flights-200k.json", import.meta.resolve("vega-datasets"))
  const rows = JSON.parse(await readFile(file, "utf8")) as { time: number; distance: number; delay: number }[]
  // The file has hours with decimals. Whole minutes keep every later number exact.
  return rows.slice(0, records).map(({ time, distance, delay }) => ({ minute: Math.round(time * 60), distance, delay }))
}
