import { CheckpointError } from "@ckpt/core"
import type { Context, Hono } from "hono"
import type { JobProgress } from "../data/shapes.js"
import { type Seen, statusOf } from "../status.js"
import type { Job } from "../verifying.js"
import { jobPanel } from "../views/jobs.js"
import { type Env, idOf, isForScript, type Pages } from "./env.js"
import { events } from "./live.js"

/** Verifications: begun by a form, followed by events. They read, so a page that may not change anything may begin them. */
export function jobRoutes(app: Hono<Env>, { listeners }: Pages): void {
  app.post("/s/:slug/verify", async (c) => {
    const { slug, verifying } = c.get("served")
    const chosen = await choose(c)
    const job = verifying.start(chosen)
    // The browser's script shows the panel on the page where the click was.
    if (isForScript(c)) return c.html(jobPanel(c.get("served"), job), 202)
    return c.redirect(`/s/${slug}/verify/${job.number}`, 303)
  })
  app.get("/s/:slug/verify/:job/events", (c) => {
    const { verifying } = c.get("served")
    const job = jobOf(c)
    return events(c, listeners.verifications, (changed) => ({
      state: () => JSON.stringify(progressOf(job)),
      isOver: () => job.endedAt !== undefined,
      end: verifying.follow(job, changed),
    }))
  })
  app.get("/s/:slug/verify/:job/panel", (c) => c.html(jobPanel(c.get("served"), jobOf(c))))
  app.post("/s/:slug/verify/:job/cancel", (c) => {
    const { slug, verifying } = c.get("served")
    const job = jobOf(c)
    verifying.cancel(job)
    if (isForScript(c)) return c.html(jobPanel(c.get("served"), job), 202)
    return c.redirect(`/s/${slug}/verify/${job.number}`, 303)
  })
}

/** @throws {CheckpointError} `CKPT_NOT_FOUND` */
export function jobOf(c: Context<Env>): Job {
  const job = c.get("served").verifying.job(Number(c.req.param("job")))
  if (job !== undefined) return job
  throw new CheckpointError(
    "CKPT_NOT_FOUND",
    "There is no such verification. They are forgotten when `ckpt serve` ends.",
  )
}

function progressOf({
  number,
  state,
  ids,
  done,
  damaged,
  bytesDone,
  bytesTotal,
  startedAt,
  endedAt,
}: Job): JobProgress {
  const elapsedMs = startedAt === undefined ? 0 : (endedAt ?? Date.now()) - startedAt
  return { number, state, done, damaged, bytesDone, bytesTotal, of: ids.length, elapsedMs }
}

const sampleEvery = 20
const waitForListMs = 30_000

/** @throws {CheckpointError} `CKPT_INVALID`, `CKPT_NOT_FOUND` if nothing is to be verified */
async function choose(c: Context<Env>): Promise<readonly Seen[]> {
  const { looker, verifying } = c.get("served")
  const form = await c.req.parseBody()
  const { listing, failure } = await looker.recent(Number.POSITIVE_INFINITY, waitForListMs)
  if (listing === undefined)
    throw new CheckpointError(
      "CKPT_TIMEOUT",
      failure?.message ?? "The store is still being listed: wait, and try again.",
    )
  if (form["id"] !== undefined) {
    const id = idOf(String(form["id"]))
    const one = listing.byId.get(id)
    if (one === undefined) throw new CheckpointError("CKPT_NOT_FOUND", `Checkpoint ${id} is not there. Look again.`)
    return [one]
  }
  const latestFirst = [...listing.checkpoints].reverse()
  const chosen = latestFirst.filter(
    (one, at) =>
      form["which"] === "all" ||
      (form["which"] === "latest" && at === 0) ||
      (form["which"] === "sample" && at % sampleEvery === 0) ||
      (form["which"] === "unverified" && statusOf(one, verifying.finding(one)) === "unverified"),
  )
  if (chosen.length === 0)
    throw new CheckpointError(
      "CKPT_NOT_FOUND",
      "Nothing is to be verified: every checkpoint of this choice is, or there is none.",
    )
  return chosen
}
