/** What the server sends to the browser's script. Both compile this file, so it imports nothing. */

/** The timeline: columns, one value for each checkpoint, ascending by id. */
export interface TimelineData {
  readonly ids: readonly number[]
  /** Milliseconds since 1970. */
  readonly times: readonly number[]
  readonly bytes: readonly number[]
  /** One letter for each: "v"alid, "d"amaged, "u"nverified. */
  readonly kinds: string
  /** Names of pins, by id. */
  readonly pins: Readonly<Record<string, readonly string[]>>
}

/** State by operator over time, for a stacked chart. */
export interface OperatorsData {
  readonly ids: readonly number[]
  /** Milliseconds since 1970. */
  readonly times: readonly number[]
  /** The largest operators, largest first; then "others", if there are more. */
  readonly names: readonly string[]
  /** For each name: its bytes in each checkpoint; null where the manifest cannot be read. */
  readonly bytes: readonly (readonly (number | null)[])[]
  /** How many checkpoints there are, of which these were taken. */
  readonly of: number
}

/** How far the sources had been read, over time. */
export interface SourcesData {
  readonly ids: readonly number[]
  /** Milliseconds since 1970. */
  readonly times: readonly number[]
  /** The sources that moved furthest, furthest first. */
  readonly names: readonly string[]
  /** For each name: the sum of its offsets in each checkpoint; null where there is none that is a number. */
  readonly offsets: readonly (readonly (number | null)[])[]
  /** Milliseconds that the watermark lies behind the checkpoint, if it looks like a time. */
  readonly lags: readonly (number | null)[]
  /** The watermark of each checkpoint, in the job's own unit; null for none. */
  readonly watermarks: readonly (number | null)[]
  /** How many checkpoints there are, of which these were taken. */
  readonly of: number
  /** True if the storage was too slow to read all of these in time: the next request goes on. */
  readonly partial: boolean
}

/** How far a verification has come. */
export interface JobProgress {
  readonly number: number
  readonly state: "waiting" | "running" | "done" | "cancelled" | "failed"
  /** How many checkpoints are verified, of how many, and how many of them are damaged. */
  readonly done: number
  readonly of: number
  readonly damaged: number
  readonly bytesDone: number
  readonly bytesTotal: number
  readonly elapsedMs: number
}

/** What an open page hears of. */
export interface News {
  /** Another text than before: there is something new to show. */
  readonly state: string
  /** When each store was last looked at, by its slug: milliseconds since 1970. */
  readonly looked: Readonly<Record<string, number>>
}
