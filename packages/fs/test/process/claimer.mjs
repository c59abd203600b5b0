// Claims when it is told to, and again at each line on its input, until that ends: claimer.mjs <root> <silentAfterMs>
import { writeSync } from "node:fs"
import { createInterface } from "node:readline"
import { openFsStore } from "@ckpt/fs"
import { manifestOf } from "./workload.mjs"

const [root, silentAfterMs] = process.argv.slice(2)
const say = (line) => writeSync(1, `${line}\n`)

let leader
const commands = {
  async claim() {
    const store = await openFsStore(root, {
      silentAfterMs: Number(silentAfterMs),
      onEvent: (event) => {
        if (event.type === "claimed") say(`leads ${event.epoch}`)
      },
    })
    leader = await store.claim()
  },
  async save(id) {
    await leader.save(manifestOf(Number(id)))
    say(`ack ${id}`)
  },
  async close() {
    await leader.close()
    say("closed")
  },
}

say("ready")
for await (const line of createInterface({ input: process.stdin })) {
  const [command, argument] = line.split(" ")
  await commands[command](argument).catch(({ code, message }) =>
    say(`refused ${code} ${message.replaceAll("\n", " ")}`),
  )
}
