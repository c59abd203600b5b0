// Saves for ever, from where recovery says: writer.mjs <root>
import { writeSync } from "node:fs"
import { openFsStore } from "@ckpt/fs"
import { contentsOf, manifestOf } from "./workload.mjs"

const say = (line) => writeSync(1, `${line}\n`)

const store = await openFsStore(process.argv[2], {
  retain: { last: 3 },
  onEvent: (event) => {
    if (event.type === "retention-failed") say(`retention-failed ${event.error}`)
  },
})
const found = await store.recover()
if (found.outcome === "exhausted") throw new Error("nothing verifies")
say(`ready ${found.checkpoint?.id ?? 0} ${found.nextId}`)
for (let id = found.nextId; ; id++) {
  await store.save(manifestOf(id), contentsOf(id))
  say(`ack ${id}`)
}
