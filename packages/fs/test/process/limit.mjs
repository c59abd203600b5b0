// Says which error the process gets that opens 256 files.
import { openSync } from "node:fs"

try {
  for (let n = 0; n < 256; n++) openSync(process.execPath)
  console.log("no limit")
} catch (error) {
  console.log(error.code)
}
