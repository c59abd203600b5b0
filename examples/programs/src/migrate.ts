// Moves a job to another store: all checkpoints and pins, under the same ids, into another folder and the other layout.
//
//   node dist/migrate.js <from> <to>

import { copyStore, openFsStore } from "@ckpt/fs"

const [source, target] = process.argv.slice(2)
if (source === undefined || target === undefined) throw new Error("usage: node dist/migrate.js <from> <to>")

// The claim ends the old job: it is refused while the job runs, and whatever the job writes later is refused.
await using from = await openFsStore(source, { claim: true, mustExist: true })
await using to = await openFsStore(target, { layout: "objects" })

const { copied, existed, skipped } = await copyStore(from, to, {
  onProgress({ id, done, total, bytesDone, bytesTotal }) {
    console.log(`checkpoint ${id}: ${bytesDone} of ${bytesTotal} bytes; ${done} of ${total} checkpoints`)
  },
})
for (const { id, pin, error } of skipped)
  console.log(`left behind ${pin === undefined ? id : `the pin ${pin} of ${id}`}: ${error.code}`)
console.log(`copied ${copied.length}, found ${existed.length}`)

// Before anybody starts the job on the copy: it goes on from the same checkpoint, and each byte of the state is there.
const [original, copy] = await Promise.all([from.recover(), to.recover()])
if (original.checkpoint?.id !== copy.checkpoint?.id)
  throw new Error(`the copy goes on from ${copy.checkpoint?.id}, the original from ${original.checkpoint?.id}`)
console.log(`goes on from ${copy.checkpoint?.id ?? "nothing"}`)
