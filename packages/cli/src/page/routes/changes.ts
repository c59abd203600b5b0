import { createHash } from "node:crypto"
import { CheckpointError, type RetentionPolicy } from "@ckpt/core"
import type { Context, Hono } from "hono"
import { failureOf } from "../failure.js"
import { countOf } from "../format.js"
import { page } from "../views/frame.js"
import { type Preview, pruneView } from "../views/prune.js"
import { type Env, frameFor, idOf, type Pages } from "./env.js"

/** A preview reads every manifest; a page waits so long for it. The command line waits longer. */
const previewMs = 30_000
/** A change is not given up while it may still be under way. */
const changeMs = 120_000

/** What changes a store. Each is refused unless the page may write. */
export function changeRoutes(app: Hono<Env>, pages: Pages): void {
  app.post("/s/:slug/look", async (c) => {
    const { slug, looker } = c.get("served")
    void looker.look()
    await looker.recent(Number.POSITIVE_INFINITY, 2_000)
    return c.redirect(`/s/${slug}/`, 303)
  })
  app.use("/s/:slug/:what{prune|c/[0-9]+/(?:pin|unpin|remove)}", async (c, next) => {
    if (c.req.method === "GET" || c.req.method === "HEAD" || pages.allowWrites) return next()
    throw new CheckpointError("CKPT_READ_ONLY", "This page may not change a store.")
  })
  app.post("/s/:slug/prune", async (c) => {
    const served = c.get("served")
    const form = await c.req.parseBody()
    const policy = policyOf((name) => (typeof form[name] === "string" ? form[name] : undefined))
    const preview = await prune(c, policy, String(form["digest"] ?? ""))
    await served.looker.look()
    const body = pruneView(served, served.looker.now, preview, true, Date.now())
    return c.html(page({ ...frameFor(c, pages), served, tab: "prune", title: `Prune · ${served.opened.name}` }, body))
  })
  app.post("/s/:slug/c/:id/pin", (c) => change(c, (id, name, signal) => c.get("served").opened.store.pin(id, name, { signal })))
  app.post("/s/:slug/c/:id/unpin", (c) => change(c, (_, name, signal) => c.get("served").opened.store.unpin(name, { signal })))
  app.post("/s/:slug/c/:id/remove", async (c) => {
    const { slug, opened, looker } = c.get("served")
    const id = idOf(c.req.param("id"))
    await opened.store.remove(id, { signal: AbortSignal.timeout(changeMs) })
    await looker.look()
    return c.redirect(`/s/${slug}/`, 303)
  })
}

async function change(c: Context<Env>, make: (id: number, name: string, signal: AbortSignal) => Promise<unknown>): Promise<Response> {
  const { slug, looker } = c.get("served")
  const id = idOf(c.req.param("id"))
  const { name } = await c.req.parseBody()
  await make(id, typeof name === "string" ? name : "", AbortSignal.timeout(changeMs))
  await looker.look()
  return c.redirect(`/s/${slug}/c/${id}`, 303)
}

/** What the policy in the URL would remove; without a policy, nothing is asked. */
export async function previewOf(c: Context<Env>): Promise<Preview> {
  let policy: RetentionPolicy = {}
  try {
    policy = policyOf((name) => c.req.query(name))
    if (Object.keys(policy).length === 0) return { policy }
    return await previewFor(c, policy)
  } catch (error) {
    return { policy, failure: failureOf(error) }
  }
}

async function previewFor(c: Context<Env>, policy: RetentionPolicy): Promise<Preview> {
  const report = await c.get("served").opened.store.prune(policy, { dryRun: true, signal: AbortSignal.timeout(previewMs) })
  return { policy, report, digest: digestOf(report.removed) }
}

/** Removes what the preview showed, and nothing if it would be something else by now. */
async function prune(c: Context<Env>, policy: RetentionPolicy, digest: string): Promise<Preview> {
  const preview = await previewFor(c, policy)
  if (preview.digest !== digest) {
    return { ...preview, told: "Nothing was removed: the store has changed since the preview. This is what would go now." }
  }
  const report = await c.get("served").opened.store.prune(policy, { signal: AbortSignal.timeout(changeMs) })
  const failed = report.failures.length === 0 ? "" : ` ${countOf(report.failures.length, "object")} could not be deleted; the next prune tries again.`
  return { ...(await previewFor(c, policy)), told: `${countOf(report.removed.length, "checkpoint")} removed.${failed}` }
}

function digestOf(ids: readonly number[]): string {
  return createHash("sha256").update(ids.join(",")).digest("base64url")
}

/** @throws {CheckpointError} `CKPT_INVALID` */
function policyOf(field: (name: string) => string | undefined): RetentionPolicy {
  const whole = (name: string) => {
    const text = field(name)?.trim()
    if (text === undefined || text === "") return undefined
    if (/^\d{1,13}$/.test(text)) return Number(text)
    throw new CheckpointError("CKPT_INVALID", `${name} must be a whole number.`)
  }
  const [last, every, within, unit = 1] = [whole("last"), whole("every"), whole("within"), whole("unit")]
  return {
    ...(last === undefined ? {} : { last }),
    ...(every === undefined ? {} : { every }),
    ...(within === undefined ? {} : { withinMs: within * unit }),
  }
}
