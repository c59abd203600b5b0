import type { Context, Hono } from "hono"
import { stream } from "hono/streaming"
import { operatorsData } from "../data/operators.js"
import { always, type Span } from "../data/sample.js"
import { timelineJson } from "../data/timeline.js"
import type { Listing } from "../look.js"
import { type Env, numberOf } from "./env.js"

const json = "application/json; charset=utf-8"

/** What the browser's script draws. A chart that it has already costs nothing: `If-None-Match`. */
export function dataRoutes(app: Hono<Env>): void {
  app.get("/s/:slug/data/timeline", async (c) => {
    const { verifying } = c.get("served")
    const listing = await listed(c)
    if (listing === undefined) return c.json(emptyTimeline)
    const tag = `"${listing.number}.${verifying.version}"`
    c.header("ETag", tag)
    c.header("Cache-Control", "private, no-cache")
    if (c.req.header("if-none-match") === tag) return c.body(null, 304)
    c.header("Content-Type", json)
    return stream(c, async (out) => {
      for await (const part of timelineJson(listing, verifying)) {
        if (out.aborted) return
        await out.write(part)
      }
    })
  })
  app.get("/s/:slug/data/operators", async (c) => c.json(operatorsData((await listed(c))?.checkpoints ?? [], span(c))))
  app.get("/s/:slug/data/sources", async (c) =>
    c.json(await c.get("served").sources.data((await listed(c))?.checkpoints ?? [], span(c))),
  )
}

const emptyTimeline = { ids: [], times: [], bytes: [], kinds: "", pins: {} }
/** A browser asks again when the first look has ended. */
const firstLookMs = 2_000

async function listed(c: Context<Env>): Promise<Listing | undefined> {
  return (await c.get("served").looker.recent(Number.POSITIVE_INFINITY, firstLookMs)).listing
}

function span(c: Context<Env>): Span {
  return { from: numberOf(c, "from") ?? always.from, to: numberOf(c, "to") ?? always.to }
}
