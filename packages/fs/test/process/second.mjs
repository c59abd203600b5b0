// A store that does what the lines on its input say, and answers each by a line: second.mjs <root> <options as JSON> [<uid>]
import { writeSync } from "node:fs"
import { createInterface } from "node:readline"
import { openFsStore } from "@ckpt/fs"
import { manifestOf } from "./workload.mjs"

const [root, options, uid] = process.argv.slice(2)
const say = (line) => writeSync(1, `${line}\n`)

if (uid !== undefined && process.getuid() !== Number(uid)) {
  process.setgroups([])
  process.setgid(Number(uid))
  process.setuid(Number(uid))
}

const told = []
process.on("warning", ({ code }) => told.push(`warning ${code}`))
let store = await openFsStore(root, {
  ...JSON.parse(options),
  onEvent: (event) => {
    if (event.type === "second-writer") told.push(`event ${event.pid} ${event.where}`)
    if (event.type === "foreign-key") told.push(`foreign ${event.key}`)
    if (event.type === "claimed") told.push(`passed over ${event.passedOver ?? "nothing"}`)
  },
})
const commands = {
  save: (id) => store.save(manifestOf(Number(id))),
  writeState: (id) => store.writeState(Number(id), new Uint8Array(9)),
  update: (id) => store.update(Number(id), (current) => ({ ...current, watermark: 7n })),
  remove: (id) => store.remove(Number(id)),
  pin: (id) => store.pin(Number(id), "release"),
  unpin: () => store.unpin("release"),
  prune: () => store.prune({ last: 1 }),
  collect: () => store.collectOrphans({ olderThanMs: 0 }),
  recover: () => store.recover(),
  claim: async () => {
    store = await store.claim()
  },
  close: () => store.close(),
}

say("ready")
for await (const line of createInterface({ input: process.stdin })) {
  const [command, argument] = line.split(" ")
  const answer = await commands[command](argument).then(
    () => ["done"],
    ({ code, message }) => [`refused ${code} ${message.replaceAll("\n", " ")}`],
  )
  // A warning is told in a later turn.
  await new Promise((resolve) => setImmediate(resolve))
  say([...answer, ...told.splice(0)].join("; "))
}
