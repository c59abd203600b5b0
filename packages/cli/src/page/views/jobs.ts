import { html } from "hono/html"
import { bytesText, durationText } from "../../output/amounts.js"
import { clean, counted } from "../../output/text.js"
import { count } from "../format.js"
import type { Look } from "../look.js"
import type { Served } from "../served.js"
import type { Html } from "../text.js"
import type { Job } from "../verifying.js"
import { failed, issueList, mark, table, time } from "./parts.js"
import { summary } from "./summary.js"

/** What can be verified, and what was. */
export function verifyView(served: Served, look: Look, now: number): Html {
  const { slug, verifying } = served
  const columns = [
    ["Job", "num"],
    ["State"],
    ["Began"],
    ["Checkpoints", "num"],
    ["Damaged", "num"],
    ["Read", "num"],
    ["Took", "num"],
  ] as const
  const rows = verifying.jobs.map(
    (job) =>
      html`<tr><th scope="row" class="num"><a href="/s/${slug}/verify/${job.number}">${job.number}</a></th><td>${job.state}</td><td>${job.startedAt === undefined ? "" : time(job.startedAt)}</td><td class="num">${count(job.done)} of ${count(job.ids.length)}</td><td class="num${job.damaged > 0 ? " bad" : ""}">${count(job.damaged)}</td><td class="num">${bytesText(job.bytesDone)}</td><td class="num">${took(job)}</td></tr>`,
  )
  return html`<h1 class="hidden">Verify <bdi>${clean(served.name)}</bdi></h1>
${summary(served, look, now)}
<section class="panel"><h2>Verify</h2>
<p>Every byte of a state is read, and its checksum compared. A listing compares sizes alone.</p>
<form method="post" action="/s/${slug}/verify" data-verify>
<fieldset><legend>Which</legend>
<label><input type="radio" name="which" value="latest" checked> the latest</label>
<label><input type="radio" name="which" value="unverified"> all that are unverified</label>
<label><input type="radio" name="which" value="all"> all</label>
<label><input type="radio" name="which" value="sample"> one of twenty, evenly taken</label>
</fieldset><button class="main">Verify</button></form>
<div data-jobs></div></section>
<section id="table" data-live>${rows.length === 0 ? "" : html`<div class="bar"><h2>Jobs since this page is served</h2></div>${table("Jobs", columns, rows)}`}</section>`
}

/** One job: its progress is live. */
export function jobView(served: Served, job: Job): Html {
  return html`<h1>Verification ${job.number} of <bdi>${clean(served.name)}</bdi></h1>${jobPanel(served, job)}
${job.ids.length === 1 ? findings(served.slug, job) : ""}<p><a href="/s/${served.slug}/verify">All verifications</a></p>`
}

/** Also sent alone, when the browser's script starts a job: it follows the events, and shows the panel anew at the end. */
export function jobPanel({ slug }: Served, job: Job): Html {
  const isOver = job.endedAt !== undefined
  const [only] = job.ids
  const what =
    job.ids.length === 1 && only !== undefined
      ? html`checkpoint <a href="/s/${slug}/c/${only}">${only}</a>`
      : counted(job.ids.length, "checkpoint")
  return html`<section class="job ${job.state}" id="job-${job.number}" data-job="/s/${slug}/verify/${job.number}"${isOver ? "" : html` data-going`} aria-label="Verification ${job.number}">
<p class="verdict" role="status">${verdict(job)} <span>${what}</span></p>
<progress max="${Math.max(1, job.bytesTotal || job.ids.length)}" value="${isOver && job.state === "done" ? Math.max(1, job.bytesTotal || job.ids.length) : job.bytesDone}" aria-label="Bytes verified"></progress>
<p class="detail"><span data-field="count">${count(job.done)} of ${count(job.ids.length)}</span> · <span data-field="bytes">${bytesText(job.bytesDone)} of ${bytesText(job.bytesTotal)}</span> · <span data-field="rate">${isOver ? took(job) : "…"}</span></p>
${job.failure === undefined ? "" : failed(job.failure, "The verification failed")}
${job.ids.length === 1 ? "" : findings(slug, job)}
${isOver ? "" : html`<form method="post" action="/s/${slug}/verify/${job.number}/cancel"><button>Cancel</button></form>`}
</section>`
}

/** What was found. A job of one checkpoint is followed on that checkpoint's own page, which tells its issues. */
function findings(slug: string, { findings }: Job): Html {
  return html`${findings.map(({ id, issues }) => html`<h3>${mark("damaged")} <a href="/s/${slug}/c/${id}">Checkpoint ${id}</a></h3>${issueList(issues)}`)}`
}

function verdict(job: Job): Html {
  if (job.damaged > 0) return html`<b class="kind damaged">${mark("damaged")} ${count(job.damaged)} damaged</b>`
  if (job.state === "done") return html`<b class="kind valid">${mark("valid")} valid</b>`
  return html`<b data-field="state">${job.state}</b>`
}

function took({ startedAt, endedAt }: Job): string {
  return startedAt === undefined ? "" : durationText((endedAt ?? Date.now()) - startedAt)
}
