// Opens a store after a cut, and holds it against what its writer was told.
import { createHash } from "node:crypto"
import { openFsStore } from "@ckpt/fs"
import { hasOperators, manifestOf, stateOf } from "../test/process/workload.mjs"

/**
 * Of each fact, the values that may be found: the last that was acknowledged, and those that were begun later.
 *
 * @param lines what the writer wrote
 * @param acknowledged how many of them had come before the cut
 */
export function allowedFacts(lines, acknowledged) {
  const done = new Set(lines.slice(0, acknowledged).flatMap(({ n, facts }) => (facts === undefined ? [n] : [])))
  const allowed = new Map()
  for (const { n, facts } of lines) {
    for (const [fact, value] of Object.entries(facts ?? {})) {
      const before = allowed.get(fact) ?? [undefined]
      allowed.set(fact, done.has(n) ? [value ?? undefined] : [...before, value ?? undefined])
    }
  }
  return allowed
}

/** What is wrong with the store. */
export async function faultsOf(root, layout, allowed, original = root) {
  const wrong = []
  const events = []
  const store = await openFsStore(root, { layout, onEvent: ({ type }) => events.push(type) })
  try {
    const facts = new Map()
    const { outcome, checkpoint, skipped } = await store.recover()
    let latest
    for await (const { id, valid, issues, sinks } of store.list()) {
      latest = id
      const whole = valid && (await isWhole(store, id, original))
      if (!whole) wrong.push(`checkpoint ${id} is damaged: ${issues.map(({ message }) => message)}`)
      facts.set(`checkpoint ${id}`, "whole")
      facts.set(`sink ${id}`, sinks?.out)
    }
    for (const { id, name } of await store.pins()) facts.set(`pin ${name}`, String(id))
    for (const [fact, values] of allowed) {
      if (!values.includes(facts.get(fact))) wrong.push(`${fact} is ${facts.get(fact)}, not ${values.join(" or ")}`)
    }
    for (const fact of facts.keys()) if (!allowed.has(fact)) wrong.push(`${fact} came from nowhere`)
    if (checkpoint?.id !== latest) wrong.push(`${outcome} ${checkpoint?.id}, and the latest is ${latest}`)
    if (skipped.length > 0) wrong.push(`passed over ${skipped.map(({ id }) => id)}`)
    const promised = [...allowed].some(([fact, values]) => fact.startsWith("checkpoint") && !values.includes(undefined))
    if (promised && outcome !== "recovered") wrong.push(outcome)
    const alarms = events.filter((type) => type !== "recovered")
    if (alarms.length > 0) wrong.push(`the events ${alarms}`)
    // The next program claims, saves and clears away.
    const leader = await store.claim()
    const { nextId } = await leader.recover()
    await leader.save(manifestOf(nextId), { state: Buffer.from("next") })
    const { failures } = await leader.collectOrphans({ olderThanMs: 0 })
    if (failures.length > 0) wrong.push(`not collected: ${failures.map(({ key }) => key)}`)
    if ((await leader.recover()).checkpoint?.id !== nextId) wrong.push(`the next save, ${nextId}, is not recovered`)
    await leader.close()
  } catch (error) {
    wrong.push(`${error}`)
  } finally {
    await store.close()
  }
  return wrong
}

async function isWhole(store, id, root) {
  const checkpoint = await store.open(id, { depth: "deep" })
  if (hasOperators(id)) return true
  const hash = createHash("sha256")
  for await (const chunk of (await store.readState(id)) ?? []) hash.update(chunk)
  return checkpoint.id === id && hash.digest("hex") === createHash("sha256").update(stateOf(id, root)).digest("hex")
}
