import type { CheckpointManifest } from "@ckpt/core"
import { html } from "hono/html"
import { type Change, type Difference, differenceOf, sinkFactsText } from "../../looking/diff.js"
import { bytesText, durationText, signedBytes } from "../../output/amounts.js"
import { clean } from "../../output/text.js"
import type { Failure } from "../failure.js"
import { count } from "../format.js"
import type { Served } from "../served.js"
import { type Html, named } from "../text.js"
import { fact, failed, table } from "./parts.js"

/** One of the two checkpoints, or why it cannot be read. */
export type Side = { readonly id: number; readonly manifest?: CheckpointManifest; readonly failure?: Failure }

const shownRows = 500

/** What the second checkpoint has otherwise. */
export function diffView({ slug, name }: Served, a: Side | undefined, b: Side | undefined): Html {
  const both = a?.manifest !== undefined && b?.manifest !== undefined ? differenceOf(a.manifest, b.manifest) : undefined
  return html`<div class="bar"><h1>Compare ${a === undefined || b === undefined ? html`two checkpoints of <bdi>${clean(name)}</bdi>` : html`<a href="/s/${slug}/c/${a.id}">${a.id}</a> with <a href="/s/${slug}/c/${b.id}">${b.id}</a>`}</h1>
<form action="/s/${slug}/diff" class="inline">${field("a", "From", a)} ${field("b", "to", b)} <button>Compare</button> ${a === undefined || b === undefined ? "" : html`<a href="/s/${slug}/diff?a=${b.id}&amp;b=${a.id}">swap</a>`}</form></div>
${[a, b].map((side) => (side?.failure === undefined ? "" : failed(side.failure, `Checkpoint ${side.id} cannot be read`)))}
${both === undefined ? (a === undefined || b === undefined ? html`<p>Two checkpoints are needed.</p>` : "") : body(both)}`
}

function field(name: string, label: string, side: Side | undefined): Html {
  return html`<label for="${name}">${label}</label> <input id="${name}" name="${name}" inputmode="numeric" pattern="[0-9]*" maxlength="16" size="10" value="${side?.id ?? ""}" required>`
}

function body(diff: Difference): Html {
  const { elapsedMs, stateBytes, watermark, epoch } = diff
  const advanced = diff.offsets.reduce((sum, { by = 0n }) => sum + by, 0n)
  const perSecond = elapsedMs > 0 ? Number(advanced) / (elapsedMs / 1_000) : 0
  const same: string[] = []
  const block: Block = (title, columns, all, row) => {
    if (all.length === 0) same.push(title)
    return all.length === 0 ? "" : blockOf(title, columns, all, row)
  }
  const sections = [
    block(
      "Offsets",
      [["Source"], ["Partition"], ["From", "num"], ["To", "num"], ["By", "num"]],
      diff.offsets,
      offsetRow,
    ),
    block("Operators", [["Operator"], ["From", "num"], ["To", "num"], ["By", "num"]], mostFirst(diff), operatorRow),
    block(
      "Watermarks of sources",
      [["Source"], ["From", "num"], ["To", "num"], ["By", "num"]],
      diff.sourceWatermarks,
      watermarkRow,
    ),
    block("Sinks", [["Sink"], ["From"], ["To"]], diff.sinks, ({ sink, from, to }) =>
      textRow(sink, {
        ...(from === undefined ? {} : { from: sinkFactsText(from) }),
        ...(to === undefined ? {} : { to: sinkFactsText(to) }),
      }),
    ),
    block("Labels", [["Label"], ["From"], ["To"]], diff.labels, (one) => textRow(one.label, one)),
    block("Topology", [["Part"], ["From"], ["To"]], diff.topology, (one) => textRow(one.what, one)),
  ]
  return html`<dl class="facts">
${fact("Time", durationText(elapsedMs), "", "main")}
${fact("Epoch", `${epoch.from} → ${epoch.to}`)}
${fact("Offsets", signed(advanced), perSecond > 0 ? `${count(BigInt(Math.round(perSecond)))} in a second` : "")}
${fact("Watermark", watermark.by === undefined ? "–" : signed(watermark.by))}
${fact("State", signedBytes(stateBytes.by), `${bytesText(stateBytes.from)} → ${bytesText(stateBytes.to)}`)}
</dl><div class="columns">${sections}</div>
${same.length === 0 ? "" : html`<p class="same">The same: ${same.map((title) => title.toLowerCase()).join(", ")}.</p>`}`
}

type Columns = readonly (readonly [name: string, kind?: string])[]
type Block = <T>(title: string, columns: Columns, all: readonly T[], row: (one: T) => Html) => Html | string

function blockOf<T>(title: string, columns: Columns, all: readonly T[], row: (one: T) => Html): Html {
  const shown = all.slice(0, shownRows)
  const note = shown.length < all.length ? `the first ${shown.length} of ${count(all.length)}` : ""
  return html`<section><h2>${title} <small>${note}</small></h2>${table(title, columns, shown.map(row))}</section>`
}

function offsetRow({ source, partition, from, to, by }: Difference["offsets"][number]): Html {
  return html`<tr><th scope="row">${named(source)}</th><td>${named(partition, 24)}</td><td class="num">${offset(from)}</td><td class="num">${offset(to)}</td><td class="num">${by === undefined ? "" : signed(by)}</td></tr>`
}

function operatorRow({ operator, from, to, by }: Difference["operators"][number]): Html {
  return html`<tr><th scope="row">${named(operator)}</th><td class="num">${from === undefined ? "new" : bytesText(from)}</td><td class="num">${to === undefined ? "gone" : bytesText(to)}</td><td class="num">${signedBytes(by)}</td></tr>`
}

function watermarkRow({ source, from, to, by }: Difference["sourceWatermarks"][number]): Html {
  return html`<tr><th scope="row">${named(source)}</th><td class="num">${from?.toString() ?? "–"}</td><td class="num">${to?.toString() ?? "–"}</td><td class="num">${by === undefined ? "" : signed(by)}</td></tr>`
}

function textRow(name: string, { from, to }: Change<string>): Html {
  return html`<tr><th scope="row">${named(name)}</th><td>${from === undefined ? "–" : named(from)}</td><td>${to === undefined ? "–" : named(to)}</td></tr>`
}

function mostFirst({ operators }: Difference): Difference["operators"] {
  return [...operators].sort((a, b) => Math.abs(b.by) - Math.abs(a.by))
}

function offset(text: string | undefined): Html | string {
  if (text === undefined) return "–"
  return /^\d{1,40}$/.test(text) ? count(BigInt(text)) : named(text, 32)
}

function signed(value: bigint): string {
  return value > 0n ? `+${count(value)}` : value < 0n ? `−${count(-value)}` : "±0"
}
