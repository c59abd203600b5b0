import { access, constants } from "node:fs/promises"
import type { ObjectBackend } from "@ckpt/core"
import { durationText } from "../../output/amounts.js"
import { type Asking, ask } from "../../stores/ask.js"
import { type Finding, ok, skipped, warning } from "./finding.js"
import { firstKey, type Place } from "./place.js"

/** A difference that matters to nobody: a Date header has whole seconds. */
const smallSkewMs = 5000
const slowMs = 1000
const looks = 5

/** Whether the storage answers, how fast, and by which clock. Rejects if it does not answer at all. */
export async function* reach({ backend, prefix, folder, ...asking }: Place): AsyncGenerator<Finding, void, void> {
  await ask(backend, "listing", (asked) => firstKey(backend, prefix, asked), asking)
  yield ok("reachable", `${backend.name} answers, and lets this process list`)
  const key = `${prefix}checkpoints/latest.txt`
  const times: number[] = []
  for (let look = 0; look < looks; look++) {
    const started = performance.now()
    await ask(backend, "looking at a key", (asked) => backend.head(key, { signal: asked }), asking)
    times.push(performance.now() - started)
  }
  const median = times.sort((a, b) => a - b)[Math.floor(looks / 2)] ?? 0
  const found = `${durationText(median)} for a look at one key (the middle one of ${looks})`
  if (median < slowMs) yield ok("latency", found)
  else yield warning("latency", found, "Run the job in the region of the bucket, or raise timeoutMs of its store.")
  yield await clock(backend, folder, asking)
}

async function clock(backend: ObjectBackend, folder: string | undefined, asking: Asking): Promise<Finding> {
  // Where no file can be made, a folder tells the time of its last change, which is no clock.
  if (folder !== undefined && !(await isWritable(folder)))
    return skipped("clock", "the clock of a folder is that of a new file, and none can be made here")
  const before = Date.now()
  const storage = await ask(backend, "reading the clock", (asked) => backend.now({ signal: asked }), asking)
  const skewMs = storage.getTime() - (before + Date.now()) / 2
  if (Math.abs(skewMs) <= smallSkewMs) return ok("clock", "this machine and the storage agree within 5 s")
  const found = `the storage is ${durationText(Math.abs(skewMs))} ${skewMs > 0 ? "ahead of" : "behind"} this machine`
  return warning(
    "clock",
    found,
    "Set this machine's clock (NTP). Ages are by the storage's clock; signed requests fail from 15 minutes on.",
  )
}

async function isWritable(folder: string): Promise<boolean> {
  return access(folder, constants.W_OK).then(
    () => true,
    () => false,
  )
}
