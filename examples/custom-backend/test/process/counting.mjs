// Writes one number after the other, each when it is asked to. Argument: the path of the database.
import { lmdbBackend, openLmdb } from "@ckpt-examples/custom-backend"

const file = openLmdb(process.argv[2] ?? "")
const backend = lmdbBackend(file)
process.on("message", async (number) => {
  await backend.put("number", [Buffer.from(`${number}`)])
  process.send?.(number)
})
process.once("disconnect", () => file.env.close())
