import type { RetentionPolicy } from "@ckpt/core"
import { html } from "hono/html"
import type { Preview } from "../../looking/preview.js"
import { bytesText } from "../../output/amounts.js"
import { clean, counted } from "../../output/text.js"
import type { Failure } from "../failure.js"
import { count } from "../format.js"
import type { Look } from "../look.js"
import type { Served } from "../served.js"
import { statusOf } from "../status.js"
import type { Html } from "../text.js"
import { failed, kind, table, time } from "./parts.js"
import { summary } from "./summary.js"

/** A policy, and what it would do. */
export interface PrunePreview {
  readonly policy: RetentionPolicy
  readonly shown?: Preview
  readonly failure?: Failure
  /** Names the checkpoints that would go, so that nothing else goes later. */
  readonly digest?: string
  /** What was done, or why it was not. */
  readonly told?: string
}

const shownRows = 1_000
const units = [
  ["1", "milliseconds"],
  ["60000", "minutes"],
  ["3600000", "hours"],
  ["86400000", "days"],
] as const

/** What a policy would remove. Nothing is removed by looking at it. */
export function pruneView(served: Served, look: Look, preview: PrunePreview, allowWrites: boolean, now: number): Html {
  const { slug } = served
  const { last, every, withinMs } = preview.policy
  const unit = [...units].reverse().find(([ms]) => withinMs !== undefined && withinMs % Number(ms) === 0) ?? units[2]
  return html`<h1 class="hidden">Prune <bdi>${clean(served.name)}</bdi></h1>
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
${preview.shown === undefined ? "" : body(served, preview, preview.shown, allowWrites)}`
}

function body(
  { slug, looker, verifying }: Served,
  preview: PrunePreview,
  { rows, removed, freedBytes }: Preview,
  allowWrites: boolean,
): Html {
  const { policy, digest = "" } = preview
  const byId = looker.now.listing?.byId
  // What goes stands first, and the latest above the others.
  const shown = [...rows].sort((a, b) => Number(b.goes) - Number(a.goes) || b.id - a.id).slice(0, shownRows)
  const fields = Object.entries({ last: policy.last, every: policy.every, within: policy.withinMs, unit: 1, digest })
  const act = allowWrites
    ? html`<form method="post" action="/s/${slug}/prune">${fields.map(([name, value]) => (value === undefined ? "" : html`<input type="hidden" name="${name}" value="${String(value)}">`))}<button class="bad">Remove ${counted(removed.length, "checkpoint")}</button></form>`
    : html`<p class="hint">To remove them: <code>ckpt prune … --yes</code>, or serve this page with <code>--allow-writes</code>.</p>`
  const columns = [["Checkpoint", "num"], ["Would"], ["Why"], ["Kind"], ["Taken"], ["State", "num"]] as const
  return html`<section id="preview" aria-label="Preview"><div class="bar"><h2>${removed.length === 0 ? "Nothing would go" : `${counted(removed.length, "checkpoint")} would go, ${bytesText(freedBytes)} of state`}; ${count(rows.length - removed.length)} would stay</h2>${removed.length === 0 ? "" : act}</div>
${table("Preview", columns, shown.map(row))}
${shown.length < rows.length ? html`<p>The first ${shown.length} of ${count(rows.length)} are shown.</p>` : ""}</section>`

  function row({ id, goes, reasons, bytes, lastModified }: Preview["rows"][number]): Html {
    const one = byId?.get(id)
    return html`<tr class="${goes ? "goes" : "stays"}"><th scope="row" class="num"><a href="/s/${slug}/c/${id}">${id}</a></th><td>${goes ? html`<b>go</b>` : "stay"}</td><td>${reasons.join("; ")}</td><td>${one === undefined ? "" : kind(statusOf(one, verifying.finding(one)))}</td><td>${time(one === undefined ? lastModified.getTime() : one.time)}</td><td class="num">${bytesText(bytes)}</td></tr>`
  }
}
