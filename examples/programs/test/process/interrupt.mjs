// For `node --import`: interrupts the process in place of a change of the filesystem, the one numbered AT_CHANGE after AFTER_LINES lines
// of output. INTERRUPT=kill: by SIGKILL. INTERRUPT=hold: this change waits for SIGUSR2, while the process lives on and shows it.
import fs from "node:fs"
import { syncBuiltinESMExports } from "node:module"

const { INTERRUPT: how, AFTER_LINES: lines, AT_CHANGE: change } = process.env
let linesLeft = Number(lines)
let changesLeft = Number(change)
let released

if (how === "hold") {
  released = new Promise((resolve) => process.once("SIGUSR2", resolve))
  // A promise alone would not keep the process alive.
  const alive = setInterval(() => {}, 1_000)
  void released.then(() => clearInterval(alive))
}

function watch(api, names, isChange = () => true) {
  for (const name of names) {
    const original = api[name]
    api[name] = function (...given) {
      if (linesLeft > 0 || !isChange(...given) || --changesLeft !== 0) return original.apply(this, given)
      if (how === "kill") process.kill(process.pid, "SIGKILL")
      return released.then(() => original.apply(this, given))
    }
  }
}

const handle = await fs.promises.open(new URL(import.meta.url), "r")
watch(Object.getPrototypeOf(handle), ["write", "writev", "writeFile", "appendFile", "truncate", "sync", "datasync"])
await handle.close()
watch(fs, ["writev", "fsync", "fdatasync"])
watch(fs.promises, ["mkdir", "rename", "link", "unlink", "rmdir", "writeFile", "appendFile"])
watch(fs.promises, ["open"], (_path, flags) => /[wa+]/.test(String(flags)))
syncBuiltinESMExports()

const { stdout } = process
const write = stdout.write.bind(stdout)
stdout.write = (text, ...rest) => {
  const written = write(text, ...rest)
  if (linesLeft > 0) linesLeft -= String(text).split("\n").length - 1
  return written
}
