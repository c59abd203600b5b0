// Saves a few times under strace, between two marks. Arguments: contender, folder, bytes, saves.
import { closeSync, fsyncSync, openSync } from "node:fs"
import { join } from "node:path"
import { contenders } from "./all.mjs"
import { stateFor } from "./contender.mjs"

const [name, folder, size, saves] = process.argv.slice(2)
const contender = contenders.find((one) => one.name === name)
if (contender === undefined) throw new Error(`no contender is called ${name}`)
const session = await contender.open(folder)
const state = stateFor(contender, Number(size))
await session.save(1, state)

// The fsync of this file stands in the trace under its path.
const mark = openSync(join(folder, "sync-mark"), "w")
fsyncSync(mark)
for (let id = 2; id < 2 + Number(saves); id++) await session.save(id, state)
fsyncSync(mark)
closeSync(mark)
await session.close()
