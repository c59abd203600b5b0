import { html } from "hono/html"
import { bytesText, durationText, signedBytes } from "../../output/amounts.js"
import { clean } from "../../output/text.js"
import { count } from "../format.js"
import type { Listing, Look } from "../look.js"
import type { Served } from "../served.js"
import { bytesOf, issuesOf, type Seen, statusOf } from "../status.js"
import { type Html, named, shortened } from "../text.js"
import type { Verifying } from "../verifying.js"
import { kind, legend, pins, table, time } from "./parts.js"
import { summary } from "./summary.js"

export const filters = ["all", "damaged", "unverified", "valid", "pinned"] as const
export type Filter = (typeof filters)[number]

const perPage = 100

/** Which part of the table is shown. */
export interface Part {
  readonly show: Filter
  /** Only ids below it. */
  readonly before: number | undefined
}

export function timelineView(served: Served, look: Look, part: Part, now: number): Html {
  const { slug, verifying } = served
  return html`<h1 class="hidden">Timeline of <bdi>${clean(served.name)}</bdi></h1>
${summary(served, look, now)}
<section class="charts" data-chart="timeline" data-src="/s/${slug}/data/timeline" aria-label="Timeline">
${chart("size", "State size", 190)}
${chart("interval", "Interval", 110)}
<div class="under">${legend()}<p class="hint">Drag to pan, Ctrl and wheel or + − to zoom, double click to show all; click a mark to open its checkpoint.</p></div>
</section>
${look.listing === undefined ? html`<section id="table" data-live></section>` : listed(served, look.listing, verifying, part)}`
}

/** The room of a chart, so that nothing moves when it is drawn. */
export function chart(name: string, title: string, height: 110 | 190 | 260): Html {
  return html`<figure class="chart h${height}" data-name="${name}"><figcaption>${title} <output class="readout" aria-live="polite"></output></figcaption><div class="plot" tabindex="0" role="application" aria-roledescription="chart" aria-label="${title} over time. Left and right go from checkpoint to checkpoint, Enter opens one."></div></figure>`
}

function listed({ slug }: Served, { checkpoints }: Listing, verifying: Verifying, { show, before }: Part): Html {
  const matching = checkpoints.filter((one) => show === "all" || isShown(one, verifying, show))
  const end = before === undefined ? matching.length : lowerBound(matching, before)
  const rows = matching.slice(Math.max(0, end - perPage), end).reverse()
  const first = rows.at(-1)
  const at = new Map<number, Seen>()
  for (const one of rows) {
    const previous = checkpoints[lowerBound(checkpoints, one.id) - 1]
    if (previous !== undefined) at.set(one.id, previous)
  }
  const columns = [
    ["Checkpoint", "num"],
    ["Kind"],
    ["Epoch", "num"],
    ["Taken"],
    ["Interval", "num"],
    ["State", "num"],
    ["Change", "num"],
    ["Operators", "num"],
    ["Labels and pins"],
    ["Problem"],
  ] as const
  return html`<section id="table" data-live aria-label="Checkpoints">
<div class="bar"><h2>Checkpoints</h2><nav aria-label="Filter">${filters.map(
    (name) =>
      html`<a href="/s/${slug}/${name === "all" ? "" : `?show=${name}`}"${name === show ? html` aria-current="true"` : ""}>${name}</a>`,
  )}</nav><p>${rows.length === 0 ? "none" : html`${count(first?.id ?? 0)} to ${count(rows[0]?.id ?? 0)}`} of ${count(matching.length)}</p></div>
${table(
  "Checkpoints",
  columns,
  rows.map((one) => row(one, at.get(one.id), verifying, slug)),
  "checkpoints",
)}
<nav class="pages" aria-label="Pages">${before === undefined ? "" : html`<a href="/s/${slug}/?show=${show}">Latest</a>`} ${end > perPage && first !== undefined ? html`<a rel="next" href="/s/${slug}/?show=${show}&amp;before=${first.id}">Older</a>` : ""}</nav>
</section>`
}

function row(one: Seen, previous: Seen | undefined, verifying: Verifying, slug: string): Html {
  const finding = verifying.finding(one)
  const status = statusOf(one, finding)
  const problem = issuesOf(one, finding).find(({ severity }) => severity === "fatal")
  const grown = previous === undefined ? undefined : bytesOf(one) - bytesOf(previous)
  const interval = previous === undefined ? undefined : one.time - previous.time
  return html`<tr class="${status}"><th scope="row" class="num"><a href="/s/${slug}/c/${one.id}">${one.id}</a></th><td>${kind(status)}</td><td class="num">${one.epoch ?? ""}</td><td>${time(one.time)}</td><td class="num">${interval === undefined ? "" : durationText(interval)}</td><td class="num">${one.stateSize === undefined && one.operators === undefined ? "" : bytesText(bytesOf(one))}</td><td class="num">${grown === undefined || status === "damaged" ? "" : signedBytes(grown)}</td><td class="num">${one.operators === undefined ? "" : Object.keys(one.operators).length}</td><td class="labels">${pins(one.pins)}${labels(one)}</td><td class="problem">${problem === undefined ? "" : html`<code>${problem.code}</code> <bdi title="${shortened(clean(problem.message), 1_000)}">${shortened(clean(problem.message), 90)}</bdi>`}</td></tr>`
}

const shownLabels = 3

function labels({ labels = {} }: Seen): Html {
  const all = Object.entries(labels)
  const more = all.length - shownLabels
  return html`${all.slice(0, shownLabels).map(([name, value]) => html`<span class="label">${named(name, 24)} ${named(value, 32)}</span> `)}${more > 0 ? `+${more}` : ""}`
}

function isShown(one: Seen, verifying: Verifying, show: Filter): boolean {
  return show === "pinned" ? one.pins !== undefined : statusOf(one, verifying.finding(one)) === show
}

/** The first place whose id is not below. */
function lowerBound(ascending: readonly Seen[], id: number): number {
  let [low, high] = [0, ascending.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((ascending[middle]?.id ?? id) < id) low = middle + 1
    else high = middle
  }
  return low
}
