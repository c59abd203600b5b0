// One program that saves, updates, pins and prunes without end, and tells what it begins and what was acknowledged.
import { writeSync } from "node:fs"
import { openFsStore } from "@ckpt/fs"
import { contentsOf, manifestOf } from "../test/process/workload.mjs"
import { randomFrom } from "./random.mjs"

const [root, layout, role, seed] = process.argv.slice(2)
const plain = await openFsStore(root, { layout })
const store = role === "leader" ? await plain.claim() : plain
const random = randomFrom(Number(seed))

let count = 0
/** One operation that makes these facts true. A line before, and one after. */
async function tell(facts, operation) {
  const n = count++
  writeSync(1, `${JSON.stringify({ root, layout, n, facts })}\n`)
  await operation()
  writeSync(1, `${JSON.stringify({ root, n })}\n`)
}

const kept = []
const pinned = new Set()
/** Retention keeps the latest of which every sink has committed. */
let committed = 0
for (let id = 1; ; id++) {
  await tell({ [`checkpoint ${id}`]: "whole", [`sink ${id}`]: "pending" }, () =>
    store.save(manifestOf(id), contentsOf(id, root)),
  )
  kept.push(id)
  const dice = random()
  if (dice < 0.3) {
    await tell({ [`sink ${id}`]: "committed" }, () => store.commitSink(id, "out"))
    committed = id
  }
  if (dice > 0.9) {
    await tell({ [`pin p${id}`]: String(id) }, () => store.pin(id, `p${id}`))
    pinned.add(id)
  }
  if (pinned.size > 3) {
    const [oldest] = pinned
    await tell({ [`pin p${oldest}`]: null }, () => store.unpin(`p${oldest}`))
    pinned.delete(oldest)
  }
  const goes = kept.slice(0, -4).filter((one) => !pinned.has(one) && one !== committed)
  if (dice > 0.4 && dice < 0.6 && goes.length > 0) {
    const facts = Object.fromEntries(
      goes.flatMap((one) => [`checkpoint ${one}`, `sink ${one}`].map((fact) => [fact, null])),
    )
    await tell(facts, async () => {
      const { removed } = await store.prune({ keepIf: ({ id: one }) => !goes.includes(one) })
      if (`${removed}` !== `${goes}`) throw new Error(`removed ${removed}, not ${goes}`)
    })
    for (const one of goes) kept.splice(kept.indexOf(one), 1)
  }
}
