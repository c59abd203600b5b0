import { setImmediate as turn } from "node:timers/promises"
import type { Listing } from "../look.js"
import { bytesOf, type Seen, statusOf } from "../status.js"
import type { Verifying } from "../verifying.js"

const slice = 2_000

/** `TimelineData` as JSON, made in slices: 100,000 checkpoints must not hold up whoever else asks. */
export async function* timelineJson(
  { checkpoints }: Listing,
  verifying: Verifying,
): AsyncGenerator<string, void, void> {
  const columns: [name: string, of: (one: Seen) => number][] = [
    ["ids", ({ id }) => id],
    ["times", ({ time }) => time],
    ["bytes", bytesOf],
  ]
  for (const [at, [name, of]] of columns.entries()) {
    yield `${at === 0 ? "{" : ","}"${name}":[`
    for (let start = 0; start < checkpoints.length; start += slice) {
      yield `${start === 0 ? "" : ","}${checkpoints
        .slice(start, start + slice)
        .map(of)
        .join(",")}`
      await turn()
    }
    yield "]"
  }
  yield ',"kinds":"'
  for (let start = 0; start < checkpoints.length; start += slice) {
    const part = checkpoints.slice(start, start + slice)
    yield part.map((one) => statusOf(one, verifying.finding(one)).charAt(0)).join("")
    await turn()
  }
  const pinned = checkpoints.filter(({ pins }) => pins !== undefined).map(({ id, pins }) => [id, pins])
  yield `","pins":${JSON.stringify(Object.fromEntries(pinned))}}`
}
