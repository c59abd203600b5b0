import { html } from "hono/html"
import { bytesText, durationText } from "../../output/amounts.js"
import { clean } from "../../output/text.js"
import { factsOf } from "../facts.js"
import { count } from "../format.js"
import type { Served } from "../served.js"
import { bytesOf, type Seen, statusOf } from "../status.js"
import { type Html, named } from "../text.js"
import { age, fact, failed, mark, unread } from "./parts.js"

/** Several stores side by side: who has the latest checkpoint, who has a damaged one, who cannot be read. */
export function homeView(all: readonly Served[], now: number): Html {
  return html`<h1 class="hidden">All stores</h1><section id="stores" data-live class="cards">${all.map((one) => card(one, now))}</section>`
}

function card({ slug, name, url, looker, verifying }: Served, now: number): Html {
  const { listing, failure, looking } = looker.now
  const facts = listing && factsOf(listing, verifying)
  const latest = facts?.latestValid
  return html`<article class="card">
<h2><a href="/s/${slug}/">${named(name)}</a></h2><p class="url"><bdi title="${clean(url)}">${clean(url)}</bdi></p>
${failure === undefined ? "" : failed(failure, "It cannot be read")}
${
  listing === undefined || facts === undefined
    ? html`<p class="looking">${looking === undefined ? "" : html`Looking … <b>${count(looking.read)}</b> checkpoints read so far.`}</p>`
    : html`<dl class="facts">
${fact("Recovery takes", latest === undefined ? "nothing" : html`${mark(statusOf(latest, verifying.finding(latest)))} <a href="/s/${slug}/c/${latest.id}">${latest.id}</a>`, latest === undefined ? "" : html`${age(latest.time, now)} old${unread(statusOf(latest, verifying.finding(latest)))}`, latest === undefined && facts.count > 0 ? "bad" : "main")}
${fact("Checkpoints", count(facts.count))}
${fact("Damaged", facts.damaged === 0 ? "0" : html`<a href="/s/${slug}/?show=damaged">${count(facts.damaged)}</a>`, "", facts.damaged > 0 ? "bad" : "")}
${fact("Last verify", verifying.lastAt === undefined ? "never" : age(verifying.lastAt, now), verifying.lastAt === undefined ? "" : "ago")}
${fact("State", bytesText(facts.bytes))}
${fact("Interval", facts.medianInterval === undefined ? "–" : durationText(facts.medianInterval))}
</dl>${strip(listing.checkpoints.slice(-shownMarks))}`
}
</article>`

  function strip(checkpoints: readonly Seen[]): Html {
    const most = Math.max(1, ...checkpoints.map(bytesOf))
    const step = 320 / shownMarks
    return html`<svg class="strip" viewBox="0 0 320 56" width="320" height="56" role="img" aria-label="The latest ${checkpoints.length} checkpoints by size">${checkpoints.map(
      (one, at) => {
        const x = 320 - (checkpoints.length - at - 0.5) * step
        const status = statusOf(one, verifying.finding(one))
        const y = 48 - (bytesOf(one) / most) * 38
        if (status === "damaged")
          return html`<path class="damaged" d="M${(x - 3).toFixed(1)} 45l6 6m0-6l-6 6"><title>${one.id}: damaged</title></path>`
        return html`<rect class="${status}" x="${(x - 2).toFixed(1)}" y="${y.toFixed(1)}" width="4" height="${(50 - y).toFixed(1)}"><title>${one.id}: ${status}, ${bytesText(bytesOf(one))}</title></rect>`
      },
    )}</svg>`
  }
}

const shownMarks = 40
