// Saves, or writes the state of, checkpoint 2 from a source that stands still in the middle until it hears a line:
// stuck.mjs <root> <layout> <save|writeState>
import { once } from "node:events"
import { writeSync } from "node:fs"
import { createManifest, openFsStore } from "@ckpt/fs"

const [root, layout, operation] = process.argv.slice(2)

async function* source() {
  yield new Uint8Array(9 << 20).fill(1)
  yield new Uint8Array(9 << 20).fill(2)
  writeSync(1, "silent\n")
  await once(process.stdin, "data")
  yield new Uint8Array(1).fill(3)
}

const store = await openFsStore(root, { layout })
if (operation === "save") await store.save(createManifest({ checkpointId: 2, epoch: 2 }), { state: source() })
else await store.writeState(2, source())
writeSync(1, "done\n")
process.stdin.destroy()
await store.close()
