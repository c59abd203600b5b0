import { html } from "hono/html"
import type { Difference } from "../../looking/diff.js"
import { bytesText, signedBytes } from "../../output/amounts.js"
import { clean } from "../../output/text.js"
import { count } from "../format.js"
import type { Look } from "../look.js"
import type { Served } from "../served.js"
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

/** Source offsets and watermarks over time. The table has what moved between the latest two checkpoints that can be read. */
export function sourcesView(served: Served, look: Look, now: number, latest?: Difference): Html {
  const { slug } = served
  return html`<h1 class="hidden">Sources of <bdi>${clean(served.name)}</bdi></h1>
${summary(served, look, now)}
<section class="charts" data-chart="sources" data-src="/s/${slug}/data/sources" aria-label="Sources">
${chart("offsets", "Records read since the first checkpoint shown, by source", 190)}
${chart("watermark", "Watermark", 110)}
<div class="under"><ul class="legend series"></ul><p class="hint" data-note></p></div>
</section>
<section id="table" data-live>${latest === undefined ? "" : sourcesTable(slug, latest)}</section>`
}

function sourcesTable(slug: string, { a, b, offsets, elapsedMs }: Difference): Html {
  const sources = new Map<
    string,
    { partitions: number; by: bigint; slowest: string | undefined; least: bigint | undefined }
  >()
  for (const { source, partition, by = 0n } of offsets) {
    const one = sources.get(source) ?? { partitions: 0, by: 0n, slowest: undefined, least: undefined }
    const isSlowest = one.least === undefined || by < one.least
    const slowest = isSlowest ? { slowest: partition, least: by } : {}
    sources.set(source, { ...one, partitions: one.partitions + 1, by: one.by + by, ...slowest })
  }
  const columns = [
    ["Source"],
    ["Partitions that moved", "num"],
    ["Moved by", "num"],
    ["In a second", "num"],
    ["Slowest partition"],
  ] as const
  const rows = [...sources].slice(0, shownRows).map(([name, { partitions, by, slowest = "", least = 0n }]) => {
    const rate = elapsedMs > 0 ? count(Math.round((Number(by) / elapsedMs) * 1_000)) : "–"
    const slow = partitions > 1 ? html`${named(slowest, 24)}, by ${count(least)}` : ""
    return html`<tr><th scope="row">${named(name)}</th><td class="num">${count(partitions)}</td><td class="num">${count(by)}</td><td class="num">${rate}</td><td>${slow}</td></tr>`
  })
  return html`<div class="bar"><h2>From checkpoint <a href="/s/${slug}/c/${a}">${a}</a> to <a href="/s/${slug}/c/${b}">${b}</a></h2><p><a href="/s/${slug}/diff?a=${a}&amp;b=${b}">each partition</a></p></div>${table("Sources", columns, rows)}`
}
