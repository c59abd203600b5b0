import { createHash } from "node:crypto"
import { CheckpointError, type CheckpointStore, type RetentionPolicy } from "@ckpt/core"
import type { Context, Hono } from "hono"
import { leadText } from "../../looking/lead.js"
import { previewPrune } from "../../looking/preview.js"
import { latestSound } from "../../looking/verify.js"
import { counted } from "../../output/text.js"
import { failureOf } from "../failure.js"
import type { Served } from "../served.js"
import { unlessStalled } from "../stall.js"
import { page } from "../views/frame.js"
import { type PrunePreview, pruneView } from "../views/prune.js"
import { type Env, frameFor, idOf, isForScript, type Pages } from "./env.js"

/** A preview reads every manifest; a page waits so long for it. The command line waits longer. */
const previewMs = 30_000
/** A change is not given up while it may still be under way. */
const changeMs = 120_000

/** What changes a store. Each is refused unless the page may write. */
export function changeRoutes(app: Hono<Env>, pages: Pages): void {
  app.post("/s/:slug/prune", async (c) => {
    const served = c.get("served")
    const form = await c.req.parseBody()
    const policy = policyOf((name) => (typeof form[name] === "string" ? form[name] : undefined))
    const preview = await removal(c, pages, (store, signal) =>
      prune(store, policy, String(form["digest"] ?? ""), signal),
    )
    const body = pruneView(served, served.looker.now, preview, true, Date.now())
    return c.html(page({ ...frameFor(c, pages), served, tab: "prune", title: `Prune · ${served.name}` }, body))
  })
  app.post("/s/:slug/c/:id/pin", async (c) => {
    const [id, name] = [idOf(c.req.param("id")), await nameOf(c)]
    await change(c, pages, (store) => store.pin(id, name, { signal: AbortSignal.timeout(changeMs) }))
    return c.redirect(`/s/${c.get("served").slug}/c/${id}`, 303)
  })
  app.post("/s/:slug/c/:id/unpin", async (c) => {
    const [id, name] = [idOf(c.req.param("id")), await nameOf(c)]
    await change(c, pages, (store) => store.unpin(name, { signal: AbortSignal.timeout(changeMs) }))
    return c.redirect(`/s/${c.get("served").slug}/c/${id}`, 303)
  })
  app.post("/s/:slug/c/:id/remove", async (c) => {
    const id = idOf(c.req.param("id"))
    await removal(c, pages, (store, signal) => store.remove(id, { signal }))
    return c.redirect(`/s/${c.get("served").slug}/`, 303)
  })
}

/**
 * Changes a store that nobody leads, and looks at it again.
 *
 * @throws {CheckpointError} `CKPT_READ_ONLY` if the page may not write; `CKPT_FENCED` on a claimed store: a page never takes the lead
 */
async function change<T>(
  c: Context<Env>,
  { allowWrites }: Pages,
  make: (store: CheckpointStore) => Promise<T>,
): Promise<T> {
  if (!allowWrites) throw new CheckpointError("CKPT_READ_ONLY", "This page may not change a store.")
  const { door, looker } = c.get("served")
  const signal = AbortSignal.timeout(changeMs)
  const opened = await door.open(signal)
  const lead = await opened.store.leadership({ signal })
  if (lead.epoch > 0) throw new CheckpointError("CKPT_FENCED", `The store is claimed: ${leadText(lead)}.`)
  try {
    return await make(opened.store)
  } finally {
    await looker.look()
  }
}

/** A change that removes checkpoints: first the bytes are read of the checkpoint that must stay. */
function removal<T>(
  c: Context<Env>,
  pages: Pages,
  make: (store: CheckpointStore, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return change(c, pages, async (store) => {
    await readLatestSound(store)
    return make(store, AbortSignal.timeout(changeMs))
  })
}

/** @throws {CheckpointError} `CKPT_TIMEOUT` if the storage stalls; the codes of `verify` */
function readLatestSound(store: CheckpointStore): Promise<number | undefined> {
  return unlessStalled((signal, came) => latestSound(store, signal, came))
}

async function nameOf(c: Context<Env>): Promise<string> {
  const { name } = await c.req.parseBody()
  return typeof name === "string" ? name : ""
}

/**
 * What the policy in the URL would remove; without a policy, nothing is asked. Nor by a page that renews its live parts: the preview
 * is none of them, and reads a whole state.
 */
export async function previewOf(c: Context<Env>): Promise<PrunePreview> {
  let policy: RetentionPolicy = {}
  try {
    policy = policyOf((name) => c.req.query(name))
    if (Object.keys(policy).length === 0 || isForScript(c)) return { policy }
    const signal = AbortSignal.timeout(previewMs)
    const served = c.get("served")
    const free = await served.previews.take(signal)
    // Too late: another preview took all of the time.
    if (free === undefined) throw signal.reason
    try {
      const { store } = await served.door.open(signal)
      const sound = await readLatestSound(store)
      if (isNews(served, sound)) await served.looker.look()
      return await previewFor(store, policy, AbortSignal.timeout(previewMs))
    } finally {
      free()
    }
  } catch (error) {
    return { policy, failure: failureOf(error) }
  }
}

/** Whether the listing takes a checkpoint for valid that was just found damaged. */
function isNews({ looker }: Served, sound = 0): boolean {
  return looker.now.listing?.checkpoints.some(({ id, valid }) => valid && id > sound) === true
}

async function previewFor(store: CheckpointStore, policy: RetentionPolicy, signal: AbortSignal): Promise<PrunePreview> {
  const shown = await previewPrune(store, policy, new Date(), signal)
  return { policy, shown, digest: digestOf(shown.removed) }
}

/** Removes what the preview showed, and nothing if it would be something else by now. */
async function prune(
  store: CheckpointStore,
  policy: RetentionPolicy,
  digest: string,
  signal: AbortSignal,
): Promise<PrunePreview> {
  const { removed } = await store.prune(policy, { dryRun: true, signal })
  if (digestOf(removed) !== digest) {
    const told = "Nothing was removed: the store has changed since the preview. This is what would go now."
    return { ...(await previewFor(store, policy, signal)), told }
  }
  const report = await store.prune(policy, { signal })
  const failed =
    report.failures.length === 0
      ? ""
      : ` ${counted(report.failures.length, "object")} could not be deleted; the next prune tries again.`
  const told = `${counted(report.removed.length, "checkpoint")} removed.${failed}`
  return { ...(await previewFor(store, policy, signal)), told }
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
