import { type FileHandle, open } from "node:fs/promises"

export interface Flight {
  /** Scheduled departure, minutes after midnight. */
  readonly minute: number
  /** Miles. */
  readonly distance: number
  /** Minutes; negative is early. */
  readonly delay: number
}

export interface FlightBatch {
  readonly flights: Flight[]
  /** Where the next batch starts. */
  readonly next: number
  /** These flights were the last. */
  readonly end: boolean
}

// The file is one line, [{"delay":0,"distance":1452,"time":0.0},...], ordered by time. A record is 40 to 56 bytes long.
const maxRecordBytes = 80

/** 200,000 real flights. A position is a byte of the file, so that reading can go on from there. */
export class FlightFile implements AsyncDisposable {
  /** Behind the opening bracket. */
  static readonly start = 1
  readonly #handle: FileHandle

  private constructor(handle: FileHandle) {
    this.#handle = handle
  }

  static async open(): Promise<FlightFile> {
    // The package exports its code only; its data are files beside it.
    return new FlightFile(await open(new URL("../data/flights-200k.json", import.meta.resolve("vega-datasets"))))
  }

  /** Up to `count` flights from a position on. The same position always gives the same flights. */
  async read(position: number, count: number): Promise<FlightBatch> {
    const { buffer, bytesRead } = await this.#handle.read(Buffer.alloc(count * maxRecordBytes), { position })
    const bytes = buffer.subarray(0, bytesRead)
    let length = 0
    for (let records = 0; records < count; records++) {
      const close = bytes.indexOf("}", length)
      if (close === -1) break
      length = close + 1
    }
    const rows = JSON.parse(`[${bytes.toString("utf8", 0, length)}]`) as {
      time: number
      distance: number
      delay: number
    }[]
    // The file has hours with decimals. Whole minutes keep every later number exact.
    const flights = rows.map(({ time, distance, delay }) => ({ minute: Math.round(time * 60), distance, delay }))
    const separator = bytes.toString("utf8", length, length + 1)
    // A short read must not be taken for the end of the input: the rest would be lost silently.
    if (separator !== "," && separator !== "]") throw new Error(`no flight and no end at byte ${position + length}`)
    const end = separator === "]"
    return { flights, next: position + length + (end ? 0 : 1), end }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#handle.close()
  }
}
