import type { ValidationIssue } from "@ckpt/core"
import { html } from "hono/html"
import { durationText } from "../../output/amounts.js"
import { clean } from "../../output/text.js"
import type { Failure } from "../failure.js"
import { utc } from "../format.js"
import type { Status } from "../status.js"
import { type Html, told } from "../text.js"

/** A shape for each kind, so that colour is never needed to tell them apart. */
const shapes: Readonly<Record<Status | "pinned", Html>> = {
  valid: html`<circle cx="6" cy="6" r="4.5"/>`,
  unverified: html`<circle cx="6" cy="6" r="3.75"/>`,
  damaged: html`<path d="M2 2 10 10M10 2 2 10"/>`,
  pinned: html`<path d="M6 .5 11.5 6 6 11.5 .5 6z"/>`,
}

export function mark(kind: Status | "pinned"): Html {
  return html`<svg class="mark ${kind}" viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">${shapes[kind]}</svg>`
}

/** The mark, and the word. */
export function kind(status: Status): Html {
  return html`<span class="kind ${status}">${mark(status)} ${status}</span>`
}

/** Beside the checkpoint that recovery takes: it takes another one if a byte is wrong that nobody has read. */
export function unread(status: Status | undefined): string {
  return status === "unverified" ? "; its bytes were not read" : ""
}

/** A legend of the marks. */
export function legend(): Html {
  const words = [
    ["valid", "valid: every byte was read, and is right"],
    ["unverified", "unverified: manifest and size are right"],
    ["damaged", "damaged: recovery goes past it"],
    ["pinned", "pinned: retention leaves it alone"],
  ] as const
  return html`<ul class="legend">${words.map(([name, text]) => html`<li>${mark(name)} ${text}</li>`)}</ul>`
}

export function pins(names: readonly string[] | undefined): Html | string {
  if (names === undefined) return ""
  return html`${names.map((name) => html`<span class="pin">${mark("pinned")} <bdi>${clean(name)}</bdi></span> `)}`
}

/** A time: of UTC as it is served; the browser's script shows it in the reader's zone, in the same width. */
export function time(ms: number): Html {
  const text = utc(ms)
  const date = new Date(ms)
  if (Number.isNaN(date.getTime())) return html`<span>${text}</span>`
  return html`<time datetime="${date.toISOString()}" title="${text} UTC">${text}</time>`
}

/** How long ago: the browser's script lets it grow. */
export function age(ms: number, now: number): Html {
  return html`<time class="age" datetime="${new Date(ms).toISOString()}" data-ms="${ms}" title="${utc(ms)} UTC">${durationText(Math.max(0, now - ms))}</time>`
}

/** A failure, on an otherwise whole page. */
export function failed({ code, message, advice }: Failure, what: string): Html {
  return html`<section class="failed" role="alert"><h2>${what}</h2><p><code>${code}</code> ${told(message)}</p>${advice === "" ? "" : html`<p>${withCode(advice)}</p>`}</section>`
}

/** Our own text: what stands between backticks is code. */
function withCode(text: string): Html {
  return html`${text.split("`").map((part, at) => (at % 2 === 1 ? html`<code>${part}</code>` : part))}`
}

export function issueList(issues: readonly ValidationIssue[]): Html | string {
  if (issues.length === 0) return ""
  return html`<ul class="issues">${issues.map(
    ({ severity, code, message }) => html`<li class="${severity}"><code>${code}</code> ${told(message)}</li>`,
  )}</ul>`
}

/** One fact of a summary: a label, and its value. */
export function fact(label: string, value: Html | string | number, note: Html | string = "", tone = ""): Html {
  return html`<div class="fact ${tone}"><dt>${label}</dt><dd>${value}${note === "" ? "" : html` <small>${note}</small>`}</dd></div>`
}

/** A table that scrolls by itself, also by keyboard. */
export function table(
  label: string,
  columns: readonly (readonly [name: string, kind?: string])[],
  rows: readonly Html[],
  id = "",
): Html {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Table: ${label}"><table${id === "" ? "" : html` id="${id}"`}><thead><tr>${columns.map(
    ([name, of = ""]) => html`<th scope="col" class="${of}">${name}</th>`,
  )}</tr></thead><tbody>${rows}</tbody></table></div>`
}
