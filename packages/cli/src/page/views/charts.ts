import { html } from "hono/html"
import type { Look } from "../look.js"
import type { Served } from "../served.js"
import { bytesText, clean } from "../../output/text.js"
import { signedBytes } from "../format.js"
import { type Html, named } from "../text.js"
import { table } from "./parts.js"
import { summary } from "./summary.js"
import { chart } from "./timeline.js"

const shownRows = 200

/** State by operator over time. The table has the numbers of the latest checkpoint, beside those of the first that is shown. */
export function stateView(served: Served, look: Look, now: number): Html {
  const { slug } = served
  return html`<h1 class="hidden">State of <bdi>${clean(served.name)}</bdi> by operator</h1>
${summary(served, look, now)}
<section class="charts" data-chart="state" data-src="/s/${slug}/data/operators" aria-label="State by operator">
${chart("state", "State by operator", 260)}
<div class="under"><ul class="legend series"></ul><p class="hint" data-note></p></div>
</section>
${operatorsTable(look)}`
}

function operatorsTable({ listing }: Look): Html {
  const readable = (listing?.checkpoints ?? []).filter(({ operators }) => operators !== undefined)
  const [first, last] = [readable[0], readable.at(-1)]
  if (first?.operators === undefined || last?.operators === undefined) {
    return html`<section id="table" data-live>${listing === undefined ? "" : html`<p>No checkpoint has operators.</p>`}</section>`
  }
  const before = new Map(Object.entries(first.operators))
  const all = Object.entries(last.operators).sort(([, a], [, b]) => b - a)
  const total = all.reduce((sum, [, bytes]) => sum + bytes, 0)
  const rows = all.slice(0, shownRows).map(([name, bytes]) => {
    const then = before.get(name)
    const share = total === 0 ? 0 : (100 * bytes) / total
    return html`<tr><th scope="row">${named(name)}</th><td class="num">${bytesText(bytes)}</td><td class="num">${share.toFixed(1)} %</td><td class="num">${then === undefined ? "new" : signedBytes(bytes - then)}</td></tr>`
  })
  const more = all.length - rows.length
  return html`<section id="table" data-live><div class="bar"><h2>Operators of checkpoint ${last.id}</h2>${more > 0 ? html`<p>the largest ${rows.length} of ${all.length}</p>` : ""}</div>
${table("Operators", [["Operator"], ["State", "num"], ["Share", "num"], [`Since checkpoint ${first.id}`, "num"]], rows)}</section>`
}

/** Source offsets and watermarks over time. */
export function sourcesView(served: Served, look: Look, now: number): Html {
  const { slug } = served
  return html`<h1 class="hidden">Sources of <bdi>${clean(served.name)}</bdi></h1>
${summary(served, look, now)}
<section class="charts" data-chart="sources" data-src="/s/${slug}/data/sources" aria-label="Sources">
${chart("offsets", "Records read since the first checkpoint shown, by source", 190)}
${chart("watermark", "Watermark", 110)}
<div class="under"><ul class="legend series"></ul><p class="hint" data-note></p></div>
</section>
<section id="table" data-live>${look.listing === undefined ? "" : html`<p>The latest offsets of each partition stand in <a href="/s/${slug}/c/latest">the latest checkpoint</a>; <a href="/s/${slug}/diff">a comparison</a> shows how far they moved.</p>`}</section>`
}
