import type { CheckpointManifest } from "@ckpt/core"
import { html } from "hono/html"
import { operatorsOf } from "../../looking/operators.js"
import { watermarkTime } from "../../looking/times.js"
import { bytesText } from "../../output/amounts.js"
import { counted } from "../../output/text.js"
import type { Failure } from "../failure.js"
import { count, utc } from "../format.js"
import type { Served } from "../served.js"
import { bytesOf, issuesOf, type Seen, statusOf } from "../status.js"
import { type Html, named, told } from "../text.js"
import { age, fact, failed, issueList, kind, pins, table, time } from "./parts.js"

/** A checkpoint, as far as it can be read. */
export interface Detail {
  readonly id: number
  readonly manifest: CheckpointManifest | undefined
  /** Why there is no manifest. */
  readonly failure: Failure | undefined
  /** As it was listed; undefined if it came since. */
  readonly listed: Seen | undefined
  readonly previous: number | undefined
  readonly next: number | undefined
}

const shownRows = 500

export function detailView(served: Served, detail: Detail, allowWrites: boolean, now: number): Html {
  const { slug, verifying } = served
  const { id, manifest, failure, listed, previous, next } = detail
  const finding = listed && verifying.finding(listed)
  const link = (to: number | undefined, text: string, key: string) =>
    to === undefined
      ? html`<span class="off">${text}</span>`
      : html`<a href="/s/${slug}/c/${to}" data-key="${key}">${text} ${to}</a>`
  return html`<div class="bar"><h1>Checkpoint ${id}</h1><span id="kind" data-live>${listed === undefined ? "" : kind(statusOf(listed, finding))} ${pins(listed?.pins)}</span>
<nav aria-label="Checkpoints">${link(previous, "←", "[")} ${link(next, "→", "]")} ${previous === undefined ? "" : html`<a href="/s/${slug}/diff?a=${previous}&amp;b=${id}" data-key="d">compare with ${previous}</a>`}</nav></div>
${failure === undefined ? "" : failed(failure, "Its manifest cannot be read")}
<section id="issues" data-live>${finding === undefined ? "" : html`<p>Every byte was read ${age(finding.at, now)} ago${finding.valid ? ", and is right" : ""}.</p>`}${listed === undefined ? "" : issueList(issuesOf(listed, finding))}</section>
<dl class="facts">
${listed === undefined ? "" : html`${fact("Taken", time(listed.time), html`${age(listed.time, now)} ago`)}${fact("Stored", time(listed.lastModified.getTime()))}${fact("State", bytesText(bytesOf(listed)))}`}
${manifest === undefined ? "" : html`${fact("Epoch", count(manifest.epoch))}${fact("Watermark", manifest.watermark === null ? "–" : watermark(manifest.watermark))}${fact("Sources", count(Object.keys(manifest.sourceOffsets).length))}${fact("Operators", count(Object.keys(manifest.operatorStates).length))}`}
</dl>
<section class="actions"><form method="post" action="/s/${slug}/verify" data-verify><input type="hidden" name="id" value="${id}"><button class="main" data-key="v">Verify every byte</button></form>${allowWrites ? changes(slug, detail) : ""}
<div data-jobs></div></section>
${manifest === undefined ? "" : body(manifest)}`
}

function changes(slug: string, { id, listed }: Detail): Html {
  return html`<form method="post" action="/s/${slug}/c/${id}/pin"><label for="pin">Pin as</label> <input id="pin" name="name" required maxlength="100" pattern="[A-Za-z0-9][A-Za-z0-9._\\-]*" autocomplete="off"><button>Pin</button></form>
${(listed?.pins ?? []).map((name) => html`<form method="post" action="/s/${slug}/c/${id}/unpin"><input type="hidden" name="name" value="${name}"><button>Unpin <bdi>${name}</bdi></button></form>`)}
<details class="danger"><summary>Remove</summary><form method="post" action="/s/${slug}/c/${id}/remove"><p>Checkpoint ${id} and its state go, and do not come back.</p><button class="bad">Remove checkpoint ${id}</button></form></details>`
}

function body(manifest: CheckpointManifest): Html {
  const { stateSize, stateChecksum } = manifest
  const operators = operatorsOf(manifest).sort((a, b) => b.bytes - a.bytes)
  const connectors = [...Object.entries(manifest.sourceOffsets), ...Object.entries(manifest.tableOffsets)]
  const offsets = connectors.flatMap(([source, { epoch, offsets }]) =>
    Object.entries(offsets).map(([partition, offset]) => ({ source, epoch, partition, offset })),
  )
  const sinks = [...new Set([...Object.keys(manifest.sinkEpochs), ...Object.keys(manifest.sinkCommitStatuses)])]
  return html`<div class="columns">
${block("Offsets", offsets.length, [["Source"], ["Partition"], ["Offset", "num"], ["Watermark", "num"]], offsets, ({ source, partition, offset }) => html`<tr><th scope="row">${named(source)}</th><td>${named(partition, 24)}</td><td class="num">${/^\d{1,40}$/.test(offset) ? count(BigInt(offset)) : named(offset, 32)}</td><td class="num">${Object.hasOwn(manifest.sourceWatermarks, source) ? watermark(manifest.sourceWatermarks[source] ?? 0n) : ""}</td></tr>`)}
${block("Operators", operators.length, [["Operator"], ["State", "num"], ["Place"], ["SHA-256"]], operators, ({ name, bytes, where, checksum }) => html`<tr><th scope="row">${named(name)}</th><td class="num">${bytesText(bytes)}</td><td>${places[where]}</td><td>${hash(checksum)}</td></tr>`)}
${block("Sinks", sinks.length, [["Sink"], ["Status"], ["Epoch", "num"]], sinks, (name) => html`<tr><th scope="row">${named(name)}</th><td>${sinkStatus(manifest, name)}</td><td class="num">${Object.hasOwn(manifest.sinkEpochs, name) ? count(manifest.sinkEpochs[name] ?? 0) : ""}</td></tr>`)}
${block("Labels", Object.keys(manifest.labels ?? {}).length, [["Label"], ["Value"]], Object.entries(manifest.labels ?? {}), ([name, value]) => html`<tr><th scope="row">${named(name)}</th><td>${told(value)}</td></tr>`)}
<section><h2>Manifest</h2><dl class="list">
<div><dt>state.bin</dt><dd>${stateChecksum === null ? "none" : html`${stateSize === undefined ? "" : bytesText(stateSize)} ${hash(stateChecksum)}`}</dd></div>
<div><dt>Timestamp</dt><dd>${manifest.timestampMs} (${utc(manifest.timestampMs)} UTC)</dd></div>
<div><dt>Pipeline hash</dt><dd>${manifest.pipelineHash === null ? "none" : manifest.pipelineHash.toString(16)}</dd></div>
<div><dt>Virtual partitions</dt><dd>${count(manifest.vnodeCount)}</dd></div>
<div><dt>Writer</dt><dd>${manifest.writer === undefined ? "without a claim" : `the leader of claim ${manifest.writer.epoch}`}</dd></div>
<div><dt>Format</dt><dd>version ${manifest.version}</dd></div>
</dl></section></div>`
}

function block<T>(
  title: string,
  total: number,
  columns: readonly (readonly [string, string?])[],
  all: readonly T[],
  row: (one: T) => Html,
): Html | string {
  if (total === 0) return ""
  const shown = all.slice(0, shownRows)
  return html`<section><h2>${title} <small>${shown.length < total ? `${shown.length} of ${counted(total, "row")}` : ""}</small></h2>${table(title, columns, shown.map(row))}</section>`
}

function sinkStatus({ sinkCommitStatuses }: CheckpointManifest, name: string): Html | string {
  const found = Object.hasOwn(sinkCommitStatuses, name) ? sinkCommitStatuses[name] : undefined
  if (found === undefined) return ""
  return found.status === "failed" ? html`<b class="bad">failed</b> ${told(found.message)}` : found.status
}

const places = { inline: "in the manifest", external: "state.bin", none: "" }

function hash(checksum: string | undefined): Html | string {
  return checksum === undefined ? "" : html`<code class="hash" title="${checksum}">${checksum.slice(0, 12)}…</code>`
}

/** A watermark that may be a time is shown as one as well. */
function watermark(value: bigint): Html {
  const ms = watermarkTime(value)
  return html`<span>${value.toString()}</span>${ms === undefined ? "" : html` <small>${utc(ms)} UTC</small>`}`
}
