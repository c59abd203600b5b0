// Saves 1, 2 and 4 to 8, writes the state of 3 and of no manifest, pins 1 if it is told to, and is killed.
import { openFsStore } from "@ckpt/fs"
import { contentsOf, manifestOf, stateOf } from "./workload.mjs"

const [root = "", layout, claimed, pins] = process.argv.slice(2)
const plain = await openFsStore(root, { layout: layout === "objects" ? "objects" : "directory" })
const store = claimed === "true" ? await plain.claim() : plain
for (const id of [1, 2, 4, 5, 6, 7, 8]) await store.save(manifestOf(id), contentsOf(id))
await store.writeState(3, stateOf(3))
if (pins === "true") await store.pin(1, "old")
console.log("done")
process.kill(process.pid, "SIGKILL")
