import { html } from "hono/html"
import { bytesText, durationText } from "../../output/amounts.js"
import { clean } from "../../output/text.js"
import { factsOf } from "../facts.js"
import { count } from "../format.js"
import type { Look } from "../look.js"
import type { Served } from "../served.js"
import { statusOf } from "../status.js"
import type { Html } from "../text.js"
import { age, fact, failed, mark, unread } from "./parts.js"

/** What everybody wants to know first, in one line. Renewed by itself while the page is open. */
export function summary(served: Served, look: Look, now: number): Html {
  const { listing, looking, failure } = look
  const { url, verifying, slug } = served
  return html`<section id="summary" data-live aria-label="Summary">
${failure === undefined ? "" : failed(failure, listing === undefined ? "The store cannot be read" : "The last look failed; older facts follow")}
${
  listing === undefined
    ? failure === undefined
      ? html`<p class="looking" role="status">Looking at <bdi>${clean(url)}</bdi> … <b>${count(looking?.read ?? 0)}</b> checkpoints read so far.</p>`
      : html`<form method="post" action="/s/${slug}/look"><button>Look again</button></form>`
    : facts()
}
</section>`

  function facts(): Html {
    if (listing === undefined) return html``
    const all = factsOf(listing, verifying)
    const { latestValid, medianInterval, longestGap } = all
    const status = latestValid && statusOf(latestValid, verifying.finding(latestValid))
    return html`<dl class="facts">
${fact(
  "Recovery takes",
  latestValid === undefined
    ? all.count === 0
      ? "nothing: it is empty"
      : "nothing: all are damaged"
    : html`${mark(status ?? "unverified")} <a href="/s/${slug}/c/${latestValid.id}">${latestValid.id}</a>`,
  latestValid === undefined ? "" : html`${age(latestValid.time, now)} old${unread(status)}`,
  latestValid === undefined && all.count > 0 ? "bad" : "main",
)}
${fact("Checkpoints", count(all.count), all.pinned > 0 ? html`<a href="/s/${slug}/?show=pinned">${count(all.pinned)} pinned</a>` : "")}
${fact("Damaged", all.damaged === 0 ? "0" : html`<a href="/s/${slug}/?show=damaged">${count(all.damaged)}</a>`, "", all.damaged > 0 ? "bad" : "")}
${fact("Unverified", all.unverified === 0 ? "0" : html`<a href="/s/${slug}/?show=unverified">${count(all.unverified)}</a>`)}
${fact("Last verify", verifying.lastAt === undefined ? "never" : html`${age(verifying.lastAt, now)}`, verifying.lastAt === undefined ? "" : "ago")}
${fact("State", bytesText(all.bytes))}
${fact("Interval", medianInterval === undefined ? "–" : durationText(medianInterval), all.gaps > 0 && longestGap !== undefined ? html`<a href="/s/${slug}/c/${longestGap.after}">${all.gaps === 1 ? `gap ${durationText(longestGap.ms)}` : `${count(all.gaps)} gaps, up to ${durationText(longestGap.ms)}`}</a>` : "")}
${fact("Looked", html`<span data-looked="${slug}">${age(listing.at, now)}</span>`, html`ago <form method="post" action="/s/${slug}/look"><button class="quiet" data-does="look" data-key="r" title="Look again (r)">again</button></form>`)}
</dl>`
  }
}
