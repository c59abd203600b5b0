import { readdir } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { CheckpointError, findLayouts, type Recovery, type StoreEvent } from "@ckpt/core"
import { durationText } from "../../output/amounts.js"
import { counted, messageOf } from "../../output/text.js"
import { ask } from "../../stores/ask.js"
import type { OpenedStore } from "../../stores/opened.js"
import { leadText } from "../lead.js"
import { readText } from "../read-text.js"
import { type Finding, ok, problem, skipped, warning } from "./finding.js"

interface Patient {
  readonly opened: OpenedStore
  readonly signal: AbortSignal
  /** What the store told while it was asked. */
  readonly events: readonly StoreEvent[]
}

/** What lies in the store: its checkpoints, its notes, and what unfinished saves left. */
export async function* contents(patient: Patient): AsyncGenerator<Finding, void, void> {
  const { opened, signal } = patient
  const ids = await opened.store.ids({ signal })
  yield await condition(patient, ids)
  yield await pointer(patient, ids.at(-1))
  yield* history(patient)
  yield await leftovers(patient)
  yield await otherLayout(patient)
  yield await otherForm(patient)
}

/** Ids that are written out, the latest first. */
const shownIds = 10

/** What the listing and the sizes tell of every checkpoint, not of the latest alone: the next damage falls back on the ones below. */
async function condition(patient: Patient, ids: readonly number[]): Promise<Finding> {
  const { opened, signal } = patient
  const { store, url } = opened
  const check = "checkpoints"
  let found: Recovery
  try {
    found = await store.recover({ depth: "shallow", signal })
  } catch (error) {
    if (!(error instanceof CheckpointError && error.code === "CKPT_INVALID")) throw error
    // Checkpoints lie where this URL has no store: one folder too deep, or in the other layout.
    return problem(check, error.message, "Give the URL of the store that they are of; its job needs it, too.")
  }
  if (found.outcome === "fresh")
    return warning(check, "there is none", "Compare the URL, its prefix above all, with that of the job.")
  if (found.outcome === "exhausted") {
    const advice = `Do not let the job start anew. ckpt verify ${word(url)} --all --deep says what is wrong with each; a copy may be whole.`
    return problem(check, `${counted(ids.length, "checkpoint")}, and none verifies`, advice)
  }
  const damaged = new Set(found.skipped.flatMap(({ id }) => id ?? []))
  for await (const { id, valid } of store.list({ signal })) if (!valid) damaged.add(id)
  const lonely = await statesAlone(patient, ids)
  const words = [counted(ids.length, "checkpoint")]
  if (damaged.size > 0) words.push(`${damaged.size} damaged (${shown([...damaged])})`)
  if (lonely.length > 0) words.push(`${counted(lonely.length, "state")} without a manifest (${shown(lonely)})`)
  const text = `${words.join(", ")}; bytes were not read: ckpt verify ${word(url)} latest --deep reads those of the latest`
  if (damaged.size > 0) {
    const advice = `ckpt recover ${word(url)} tells which one a job gets; ckpt verify ${word(url)} --all --deep reads every byte. A copy may be whole.`
    return problem(check, text, advice)
  }
  if (lonely.length === 0) return ok(check, text)
  const advice =
    "A save that was interrupted leaves such a state, and so does a lost manifest: look for it in a copy before ckpt gc removes the state."
  return warning(check, text, advice)
}

function shown(ids: readonly number[]): string {
  const all = [...ids].sort((a, b) => b - a)
  return `${all.slice(0, shownIds).join(", ")}${all.length > shownIds ? ", …" : ""}`
}

const statesOf = {
  directory: { start: "checkpoints/checkpoint_", key: /checkpoint_(\d+)\/state\.bin$/ },
  objects: { start: "checkpoints/state-", key: /state-(\d+)\.bin$/ },
} as const
/** Of 100,000 states, as pages of 1,000. */
const longListingMs = 5 * 60 * 1000

/** Ids of states without a manifest, of any age. Above the latest checkpoint it may be of a save that is under way. */
async function statesAlone({ opened, signal }: Patient, ids: readonly number[]): Promise<number[]> {
  const { backend, prefix, layout } = opened
  const { start, key: ofState } = statesOf[layout]
  const [known, latest] = [new Set(ids), ids.at(-1) ?? 0]
  const question = async (asked: AbortSignal) => {
    const alone: number[] = []
    for await (const { key } of backend.list(`${prefix}${start}`, { signal: asked })) {
      const id = Number(ofState.exec(key)?.[1] ?? Number.NaN)
      if (id < latest && !known.has(id)) alone.push(id)
    }
    return alone
  }
  return ask(backend, "listing states", question, { signal, timeoutMs: longListingMs })
}

async function pointer({ opened, signal }: Patient, latest: number | undefined): Promise<Finding> {
  const check = "pointer"
  const { prefix, layout } = opened
  const key = `${prefix}${layout === "directory" ? "checkpoints/latest.txt" : "manifests/latest.json"}`
  const harmless = "Nothing is lost: readers list, and the next save moves it. Only readers of LaminarDB rely on it."
  const found = await readText(opened, key, signal)
  if (found === undefined)
    return latest === undefined
      ? ok(check, "none, as there is no checkpoint")
      : warning(check, "it is missing", harmless)
  const named = layout === "directory" ? /^checkpoint_(\d+)\s*$/.exec(found)?.[1] : idIn(found)
  if (named === undefined) return warning(check, "it cannot be read", harmless)
  if (Number(named) === latest) return ok(check, `it names ${latest}, the latest checkpoint`)
  return warning(check, `it names ${Number(named)}, and the latest checkpoint is ${latest ?? "none"}`, harmless)
}

function idIn(text: string): string | undefined {
  try {
    const { checkpoint_id: id } = JSON.parse(text) as { readonly checkpoint_id?: unknown }
    return typeof id === "number" ? String(id) : undefined
  } catch {
    return undefined
  }
}

async function* history({ opened: { store }, signal }: Patient): AsyncGenerator<Finding, void, void> {
  const check = "claims"
  const lead = await store.leadership({ signal })
  if (lead.lost !== undefined) {
    const advice =
      "Reading goes on; writers are refused. On a store with claims, start the job again: claim() builds the history anew. Without claims, call repair(). Pins are forgotten."
    yield problem("history", lead.lost, advice)
  } else yield ok("history", "nothing is wrong with it")
  if (lead.lost !== undefined) yield skipped(check, "the history is lost")
  else if (lead.claiming === undefined) yield ok(check, leadText(lead))
  else
    yield warning(
      check,
      leadText(lead),
      "If it stays so, its process died: the next writer takes the claim out after some seconds.",
    )
}

const oldMs = 60 * 60 * 1000

async function leftovers({ opened: { store, url }, signal }: Patient): Promise<Finding> {
  const check = "leftovers"
  try {
    const { removed } = await store.collectOrphans({ olderThanMs: oldMs, dryRun: true, signal })
    if (removed.length === 0) return ok(check, `none that is older than ${durationText(oldMs)}`)
    const found = `${counted(removed.length, "thing")} that unfinished saves left, older than ${durationText(oldMs)}`
    return warning(check, found, `ckpt gc ${word(url)} shows them, and with --yes removes them.`)
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error
    return problem(check, messageOf(error), "Mend the cause: leftovers cost room until they are removed.")
  }
}

async function otherLayout({ opened, signal }: Patient): Promise<Finding> {
  const { backend, prefix, layout, timeoutMs, url } = opened
  const others = (await findLayouts({ backend, prefix, timeoutMs, signal })).filter((name) => name !== layout)
  if (others.length === 0) return ok("other layout", `everything here has the layout "${layout}"`)
  const advice = `ckpt ls ${word(url)} --layout ${others[0]} shows them. A job reads one layout alone; ckpt copy moves checkpoints to the other.`
  return problem("other layout", `checkpoints of the layout "${others[0]}" lie here too`, advice)
}

/** A name with an accent has two forms in Unicode, which look alike and are two keys. */
async function otherForm({ opened, signal }: Patient): Promise<Finding> {
  const check = "other Unicode form"
  const { folder } = opened
  const twin = folder === undefined ? await twinPrefix(opened, signal) : await twinFolder(folder)
  if (twin === undefined) return ok(check, "nothing lies under a name that looks the same")
  const advice = `Normalise the name in one place of the job, and ckpt copy what lies under ${twin}.`
  return problem(check, "something lies under a name that looks the same and is written otherwise", advice)
}

async function twinPrefix(
  { backend, prefix, timeoutMs }: OpenedStore,
  signal: AbortSignal,
): Promise<string | undefined> {
  for (const form of new Set([prefix.normalize("NFC"), prefix.normalize("NFD")])) {
    if (form === prefix) continue
    if (await ask(backend, "listing", (asked) => any(backend.list(form, { signal: asked })), { signal, timeoutMs }))
      return escaped(form)
  }
  return undefined
}

async function twinFolder(folder: string): Promise<string | undefined> {
  const own = basename(folder)
  const names = await readdir(dirname(folder)).catch(() => [])
  const twin = names.find((name) => name !== own && name.normalize("NFC") === own.normalize("NFC"))
  return twin === undefined ? undefined : escaped(join(dirname(folder), twin))
}

/** A URL as a word of a command line, to be copied from the advice. */
function word(url: string): string {
  return /^[\w.:/@%+,~-]+$/.test(url) ? url : `'${url.replaceAll("'", "'\\''")}'`
}

/** The two names look alike, so what is not ASCII is spelled out. */
function escaped(name: string): string {
  return JSON.stringify(name).replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  )
}

async function any(items: AsyncIterable<unknown>): Promise<boolean> {
  for await (const _ of items) return true
  return false
}
