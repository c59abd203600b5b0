// Moves a job to another store: all checkpoints and pins, under the same ids, into another folder and the other layout.
//
//   node dist/migrate.js <from> <to>

import { copyStore, openFsStore } from "@ckpt/fs"

const [source, target] = process.argv.slice(2)
if (source === undefined || target === undefined) throw new Error("usage: node dist/migrate.js <from> <to>")

// The claim is what ends the old job: it is refused while the job runs, and from then on whatever the job writes is refused.
await using from = await openFsStore(source, { claim: true, mustExist: true })
await using to = await openFsStore(target, { layout: "objects" })

const { copied, existed, skipped } = await copyStore(from, to, {
  onProgress: ({ id, done, total, bytesDone, bytesTotal }) => {
    console.log(`checkpoint ${id}: ${bytesDone} of ${bytesTotal} bytes, ${done} of ${total} checkpoints`)
  },
})
console.log(`copied ${copied.length}, had ${existed.length}`)
for (const { id, error } of skipped) console.log(`left behind ${id}: ${error.code}`)

// Both must agree on the checkpoint that the job goes on from, before anybody starts the job on the copy.
const [old, copy] = await Promise.all([from.recover(), to.recover()])
if (old.checkpoint?.id !== copy.checkpoint?.id || (await to.nextId()) < old.nextId)
  throw new Error(`the copy goes on from ${copy.checkpoint?.id}, the original from ${old.checkpoint?.id}`)
console.log(`goes on from ${copy.checkpoint?.id ?? "nothing"}`)
