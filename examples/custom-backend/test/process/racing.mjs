// Creates keys and counts up, beside other processes. Arguments: the path of the database, keys, increments.
import { once } from "node:events"
import { BackendError } from "@ckpt/core"
import { lmdbBackend, openLmdb } from "@ckpt-examples/custom-backend"

const [path = "", keys, increments] = process.argv.slice(2)
const file = openLmdb(path)
const backend = lmdbBackend(file)

/**
 * Whether the condition of a write held.
 *
 * @param {Promise<unknown>} writing
 */
async function holds(writing) {
  try {
    await writing
    return true
  } catch (error) {
    if (error instanceof BackendError && error.kind === "precondition") return false
    throw error
  }
}

process.send?.("ready")
await once(process, "message")
const won = []
for (let key = 0; key < Number(keys); key++)
  if (await holds(backend.put(`race/${key}`, [Buffer.from(`${process.pid}`)], { when: "absent" }))) won.push(key)
for (let count = 0; count < Number(increments); ) {
  const content = await backend.get("counter")
  if (content === undefined) throw new Error("there is no counter")
  let text = ""
  for await (const chunk of content.body) text += Buffer.from(chunk).toString()
  const next = [Buffer.from(`${Number(text) + 1}`)]
  if (await holds(backend.put("counter", next, { when: { version: content.meta.version } }))) count++
}
await file.env.close()
process.send?.({ won })
process.disconnect()
