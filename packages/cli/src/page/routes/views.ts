import { CheckpointError, type CheckpointManifest } from "@ckpt/core"
import type { Hono } from "hono"
import { chooseId } from "../../looking/choose.js"
import { type Difference, differenceOf } from "../../looking/diff.js"
import type { Door } from "../door.js"
import { failureOf } from "../failure.js"
import type { Look } from "../look.js"
import type { Served } from "../served.js"
import { sourcesView, stateView } from "../views/charts.js"
import { type Detail, detailView } from "../views/detail.js"
import { diffView, type Side } from "../views/diff.js"
import { page } from "../views/frame.js"
import { jobView, verifyView } from "../views/jobs.js"
import { pruneView } from "../views/prune.js"
import { type Filter, filters, timelineView } from "../views/timeline.js"
import { previewOf } from "./changes.js"
import { type Env, frameFor, idOf, numberOf, type Pages } from "./env.js"
import { jobOf } from "./jobs.js"

/** A request for one checkpoint is given up after so long: the page then says so. */
const requestMs = 20_000
/** What is not the point of a view does not hold it up for longer. */
const patienceMs = 2_000

function within(ms = requestMs): AbortSignal {
  return AbortSignal.timeout(ms)
}

/** Every view has a URL, and can be sent to somebody else. */
export function viewRoutes(app: Hono<Env>, pages: Pages): void {
  const look = (served: Served): Promise<Look> => served.looker.recent(pages.maxAgeMs, pages.patienceMs)
  const title = (served: Served, text: string) => `${text} · ${served.name}`

  app.get("/s/:slug/", async (c) => {
    const served = c.get("served")
    const show = filters.find((name) => name === c.req.query("show")) ?? ("all" satisfies Filter)
    const body = timelineView(served, await look(served), { show, before: numberOf(c, "before") }, Date.now())
    return c.html(
      page({ ...frameFor(c, pages), served, tab: "timeline", title: title(served, "Timeline"), charts: true }, body),
    )
  })
  app.get("/s/:slug/state", async (c) => {
    const served = c.get("served")
    const body = stateView(served, await look(served), Date.now())
    const frame = { ...frameFor(c, pages), served, tab: "state", title: title(served, "State"), charts: true } as const
    return c.html(page(frame, body))
  })
  app.get("/s/:slug/sources", async (c) => {
    const served = c.get("served")
    const seen = await look(served)
    const body = sourcesView(served, seen, Date.now(), await latestDifference(served, seen))
    const frame = {
      ...frameFor(c, pages),
      served,
      tab: "sources",
      title: title(served, "Sources"),
      charts: true,
    } as const
    return c.html(page(frame, body))
  })
  app.get("/s/:slug/verify", async (c) => {
    const served = c.get("served")
    const body = verifyView(served, await look(served), Date.now())
    return c.html(page({ ...frameFor(c, pages), served, tab: "verify", title: title(served, "Verify") }, body))
  })
  app.get("/s/:slug/verify/:job", (c) => {
    const served = c.get("served")
    const job = jobOf(c)
    return c.html(
      page(
        { ...frameFor(c, pages), served, tab: "verify", title: title(served, `Verification ${job.number}`) },
        jobView(served, job),
      ),
    )
  })
  app.get("/s/:slug/prune", async (c) => {
    const served = c.get("served")
    const preview = await previewOf(c)
    const body = pruneView(served, await look(served), preview, pages.allowWrites, Date.now())
    return c.html(page({ ...frameFor(c, pages), served, tab: "prune", title: title(served, "Prune") }, body))
  })
  app.get("/s/:slug/goto", async (c) => {
    const { slug, door } = c.get("served")
    const text = (c.req.query("id") ?? "").trim()
    if (/^\d+$/.test(text) || text === "latest") return c.redirect(`/s/${slug}/c/${text}`)
    const signal = within()
    const id = await chooseId((await door.open(signal)).store, text, signal)
    return c.redirect(`/s/${slug}/c/${id}`)
  })
  app.get("/s/:slug/c/latest", async (c) => {
    const served = c.get("served")
    const last = (await look(served)).listing?.checkpoints.at(-1)
    if (last === undefined) throw new CheckpointError("CKPT_NOT_FOUND", "No checkpoint is listed (yet).")
    return c.redirect(`/s/${served.slug}/c/${last.id}`)
  })
  app.get("/s/:slug/c/:id", async (c) => {
    const served = c.get("served")
    const id = idOf(c.req.param("id"))
    const detail = await detailOf(served, id, await look(served))
    return c.html(
      page(
        { ...frameFor(c, pages), served, title: title(served, `Checkpoint ${id}`) },
        detailView(served, detail, pages.allowWrites, Date.now()),
      ),
    )
  })
  app.get("/s/:slug/diff", async (c) => {
    const served = c.get("served")
    const { listing } = await look(served)
    const ids = listing?.checkpoints.map(({ id }) => id) ?? []
    const [a, b] = [
      c.req.query("a") ? idOf(c.req.query("a")) : ids.at(-2),
      c.req.query("b") ? idOf(c.req.query("b")) : ids.at(-1),
    ]
    const sides = await Promise.all([a, b].map((id) => sideOf(served, id)))
    const text = a === undefined || b === undefined ? "Compare" : `${a} and ${b}`
    return c.html(
      page({ ...frameFor(c, pages), served, title: title(served, text) }, diffView(served, sides[0], sides[1])),
    )
  })
}

async function detailOf({ door }: Served, id: number, { listing }: Look): Promise<Detail> {
  const listed = listing?.byId.get(id)
  const ids = listing?.checkpoints ?? []
  const at = ids.findIndex((one) => one.id === id)
  const near = at < 0 ? {} : { previous: ids[at - 1]?.id, next: ids[at + 1]?.id }
  const neighbours = { previous: near.previous, next: near.next }
  try {
    const manifest = await loaded(door, id)
    if (manifest === undefined && listed === undefined) {
      throw new CheckpointError("CKPT_NOT_FOUND", `Checkpoint ${id} does not exist.`)
    }
    const failure =
      manifest === undefined ? failureOf(new CheckpointError("CKPT_PRUNED", `Checkpoint ${id} is gone.`)) : undefined
    return { id, manifest, failure, listed, ...neighbours }
  } catch (error) {
    // Without a listing nothing can be shown but the failure.
    if (listed === undefined) throw error
    return { id, manifest: undefined, failure: failureOf(error), listed, ...neighbours }
  }
}

async function loaded(door: Door, id: number, ms = requestMs): Promise<CheckpointManifest | undefined> {
  const signal = within(ms)
  const { store } = await door.open(signal)
  return store.load(id, { signal })
}

async function sideOf({ door }: Served, id: number | undefined): Promise<Side | undefined> {
  if (id === undefined) return undefined
  try {
    const manifest = await loaded(door, id)
    if (manifest === undefined) throw new CheckpointError("CKPT_NOT_FOUND", `Checkpoint ${id} does not exist.`)
    return { id, manifest }
  } catch (error) {
    return { id, failure: failureOf(error) }
  }
}

/** Between the latest two that can be read; the view is shown without it if the storage is slow or fails. */
async function latestDifference({ door }: Served, { listing }: Look): Promise<Difference | undefined> {
  const [b, a] = (listing?.checkpoints ?? [])
    .filter(({ valid }) => valid)
    .slice(-2)
    .reverse()
  if (a === undefined || b === undefined) return undefined
  const manifests = Promise.all([a, b].map(({ id }) => loaded(door, id, patienceMs)))
  const [before, after] = await manifests.catch(() => [])
  return before && after && differenceOf(before, after)
}
