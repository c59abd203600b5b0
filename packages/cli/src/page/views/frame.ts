import { html, raw } from "hono/html"
import { clean } from "../../output/text.js"
import { assetUrl } from "../assets.js"
import { type Served, stateOf } from "../served.js"
import type { Html } from "../text.js"

/** Which of a store's views is shown. */
type Tab = "timeline" | "state" | "sources" | "verify" | "prune"

/** What every view of a store needs to know. */
export interface Frame {
  readonly all: readonly Served[]
  /** The store that is shown; undefined for the view of all. */
  readonly served?: Served | undefined
  readonly tab?: Tab | undefined
  readonly title: string
  readonly theme: Theme
  /** The view has charts. */
  readonly charts?: boolean
}

/** As the reader chose it; `auto` follows the system. */
export type Theme = "auto" | "light" | "dark"

const tabs: readonly [tab: Tab, label: string, key: string, path: string][] = [
  ["timeline", "Timeline", "t", ""],
  ["state", "State", "s", "state"],
  ["sources", "Sources", "o", "sources"],
  ["verify", "Verify", "v", "verify"],
  ["prune", "Prune", "p", "prune"],
]

const keys: readonly [keys: string, does: string][] = [
  ["j k", "next, previous checkpoint of the table"],
  ["Enter", "open it"],
  ["← →", "in a chart: to the checkpoint before, after; Enter opens it"],
  ["+ − 0", "in a chart: zoom in, out, show all; Shift with ← → pans"],
  ["[ ]", "previous, next checkpoint; d compares with the previous"],
  ["t s o v p", "timeline, state, sources, verify, prune"],
  ["h", "all stores"],
  ["/", "go to a checkpoint by its id"],
  ["r", "look again"],
  ["u", "times in UTC, and back"],
  ["?", "this list"],
]

/** A whole page, with its head and navigation. */
export function page(frame: Frame, body: Html): Html {
  const { all, served, tab, title, theme } = frame
  const base = served === undefined ? undefined : `/s/${served.slug}/`
  return html`${raw("<!doctype html>")}
<html lang="en" data-theme="${theme}">
<head>
${head(`${title} · ckpt`)}
${frame.charts === true ? html`<link rel="stylesheet" href="${assetUrl("uplot.css")}">${script("defer", "uplot.js")}` : ""}
${script('type="module"', "page.js")}
</head>
<body${base === undefined ? "" : html` data-base="${base}"`} data-state="${stateOf(served === undefined ? all : [served])}">
<a class="skip" href="#main">Skip to the content</a>
<header class="top">
<a class="brand" href="/"><img src="${assetUrl("icon.svg")}" alt="" width="18" height="18"> ckpt</a>
<nav class="stores" aria-label="Stores">${all.length > 1 ? html`<a href="/"${current(served === undefined && tab === undefined)} data-key="h">All</a>` : ""}${all.map(
    (one) =>
      html`<a href="/s/${one.slug}/"${current(one === served)} title="${clean(one.url)}"><bdi>${clean(one.name)}</bdi></a>`,
  )}</nav>
<span class="tools"><span class="live" id="live" role="status"></span><button type="button" data-does="zone" class="quiet" title="Times in UTC, and back (u)">UTC</button><button type="button" data-does="theme" class="quiet" title="Light, dark, or as the system">Theme</button><button type="button" data-does="help" class="quiet" title="Keys (?)">Keys</button></span>
</header>
${
  base === undefined
    ? ""
    : html`<nav class="tabs" aria-label="Views">${tabs.map(
        ([name, label, key, path]) =>
          html`<a href="${base}${path}" data-key="${key}"${current(tab === name)}>${label}</a>`,
      )}<form class="goto" action="${base}goto" role="search"><label for="goto">Checkpoint</label><input id="goto" name="id" inputmode="numeric" placeholder="id, latest or pin" autocomplete="off" maxlength="100" data-key="/"><button>Go</button></form></nav>`
}
<noscript><p class="noscript">Times are those of UTC. Charts, and news without loading the page again, need its own script.</p></noscript>
<main id="main" tabindex="-1">${body}</main>
<dialog id="keys" aria-labelledby="keys-title"><h2 id="keys-title">Keys</h2><dl>${keys.map(
    ([key, does]) => html`<div><dt>${key.split(" ").map((one) => html`<kbd>${one}</kbd> `)}</dt><dd>${does}</dd></div>`,
  )}</dl><form method="dialog"><button>Close</button></form></dialog>
</body>
</html>`
}

// The end tag is put together: the bundler rewrites a template that has it, with a helper of a package that nobody installs.
const scriptEnd = raw(`</${"script"}>`)

function script(how: "defer" | 'type="module"', name: string): Html {
  return html`<script ${raw(how)} src="${assetUrl(name)}">${scriptEnd}`
}

/** A page without any navigation, for who may not see any store. */
export function bare(title: string, body: Html): Html {
  return html`${raw("<!doctype html>")}
<html lang="en" data-theme="auto"><head>${head(`${title} · ckpt`)}</head><body><main class="bare">${body}</main></body></html>`
}

function head(title: string): Html {
  return html`<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" href="${assetUrl("icon.svg")}" type="image/svg+xml">
<link rel="stylesheet" href="${assetUrl("page.css")}">`
}

function current(is: boolean): Html | string {
  return is ? html` aria-current="page"` : ""
}
