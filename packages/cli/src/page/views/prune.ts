import type { PruneReport, RetentionPolicy } from "@ckpt/core"
import { html } from "hono/html"
import type { Failure } from "../failure.js"
import { bytesText, countOf } from "../format.js"
import type { Look } from "../look.js"
import type { Served } from "../served.js"
import { bytesOf, statusOf, timeOf } from "../status.js"
import { type Html, visible } from "../text.js"
import { failed, kind, pins, table, time } from "./parts.js"
import { summary } from "./summary.js"

/** A policy, and what it would do. */
export interface Preview {
  readonly policy: RetentionPolicy
  readonly report?: PruneReport
  readonly failure?: Failure
  /** Names the checkpoints that would go, so that nothing else goes later. */
  readonly digest?: string
  /** What was done, or why it was not. */
  readonly told?: string | undefined
}

const shownRows = 1_000
const units = [
  ["1", "milliseconds"],
  ["60000", "minutes"],
  ["3600000", "hours"],
  ["86400000", "days"],
] as const

/** What a policy would remove. Nothing is removed by looking at it. */
export function pruneView(served: Served, look: Look, preview: Preview, allowWrites: boolean, now: number): Html {
  const { slug } = served
  const { last, every, withinMs } = preview.policy
  const unit = [...units].reverse().find(([ms]) => withinMs !== undefined && withinMs % Number(ms) === 0) ?? units[2]
  return html`<h1 class="hidden">Prune <bdi>${visible(served.opened.name)}</bdi></h1>
${summary(served, look, now)}
<section class="panel"><h2>Which checkpoints stay</h2>
<p>A checkpoint stays if one rule keeps it. The latest valid one, every one above it, and every pinned one stay always.</p>
<form action="/s/${slug}/prune" class="inline">
<label for="last">The latest</label> <input id="last" name="last" inputmode="numeric" pattern="[0-9]*" size="6" maxlength="9" value="${last ?? ""}">
<label for="within">those of the last</label> <input id="within" name="within" inputmode="numeric" pattern="[0-9]*" size="6" maxlength="9" value="${withinMs === undefined ? "" : withinMs / Number(unit[0])}"> <select name="unit" aria-label="Unit of time">${units.slice(1).map(([ms, name]) => html`<option value="${ms}"${ms === unit[0] ? html` selected` : ""}>${name}</option>`)}</select>
<label for="every">ids that are a multiple of</label> <input id="every" name="every" inputmode="numeric" pattern="[0-9]*" size="6" maxlength="9" value="${every ?? ""}">
<button class="main">Preview</button></form></section>
${preview.told === undefined ? "" : html`<p class="said" role="status">${preview.told}</p>`}
${preview.failure === undefined ? "" : failed(preview.failure, "There is no preview")}
${preview.report === undefined ? "" : body(served, look, preview, preview.report, allowWrites)}`
}

function body(served: Served, { listing }: Look, { policy, digest }: Preview, { removed, kept }: PruneReport, allowWrites: boolean): Html {
  const { slug, verifying } = served
  const goes = new Set(removed)
  const freed = removed.reduce((sum, id) => sum + sizeOf(id), 0)
  const rows = [...removed, ...kept].sort((a, b) => b - a).slice(0, shownRows)
  const fields = Object.entries({ last: policy.last, every: policy.every, within: policy.withinMs }).filter(([, value]) => value !== undefined)
  return html`<section aria-label="Preview"><div class="bar"><h2>${countOf(removed.length, "checkpoint")} would go, ${bytesText(freed)}; ${countOf(kept.length, "checkpoint")} would stay</h2>
${removed.length === 0 ? "" : allowWrites ? html`<form method="post" action="/s/${slug}/prune"><input type="hidden" name="digest" value="${digest ?? ""}">${fields.map(([name, value]) => html`<input type="hidden" name="${name}" value="${String(value)}">`)}<input type="hidden" name="unit" value="1"><button class="bad">Remove ${countOf(removed.length, "checkpoint")}</button></form>` : html`<p class="hint">To remove them here, serve with --allow-writes; or: <code>ckpt prune</code> on the command line.</p>`}</div>
${table("Preview", [["Checkpoint", "num"], ["Would"], ["Kind"], ["Taken"], ["State", "num"], ["Pins"]], rows.map((id) => {
    const one = listing?.byId.get(id)
    return html`<tr class="${goes.has(id) ? "goes" : "stays"}"><th scope="row" class="num"><a href="/s/${slug}/c/${id}">${id}</a></th><td>${goes.has(id) ? html`<b>go</b>` : "stay"}</td><td>${one === undefined ? "" : kind(statusOf(one, verifying.finding(one)))}</td><td>${one === undefined ? "" : time(timeOf(one))}</td><td class="num">${bytesText(sizeOf(id))}</td><td>${pins(one?.pins)}</td></tr>`
  }))}
${rows.length < removed.length + kept.length ? html`<p>The latest ${rows.length} are shown.</p>` : ""}</section>`

  function sizeOf(id: number): number {
    const one = listing?.byId.get(id)
    return one === undefined ? 0 : bytesOf(one)
  }
}

