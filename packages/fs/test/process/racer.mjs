// Waits for a line on its input, then saves the given ids, all at once: racer.mjs <root> <writer> <id>…
import { writeSync } from "node:fs"
import { openFsStore } from "@ckpt/fs"
import { contentsOf, manifestOf } from "./workload.mjs"

const [root, writer, ...ids] = process.argv.slice(2)
const say = (line) => writeSync(1, `${line}\n`)

const store = await openFsStore(root)
say("ready")
await new Promise((resolve) => process.stdin.once("data", resolve))
process.stdin.destroy()
const saves = ids.map(Number).map(async (id) => {
  try {
    const { outcome } = await store.save(manifestOf(id), contentsOf(id, writer))
    say(`ack ${id} ${outcome}`)
  } catch (error) {
    say(`failed ${id} ${error.code} ${error.message.replaceAll("\n", " ")}`)
  }
})
await Promise.all(saves)
await store.close()
