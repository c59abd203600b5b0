// For `node --import`: the process sends itself a signal in place of a change of the filesystem: the signal is INTERRUPT, the change
// the one numbered AT_CHANGE after AFTER_LINES lines of output.
import fs from "node:fs"
import { syncBuiltinESMExports } from "node:module"

const { INTERRUPT: signal, AFTER_LINES: lines, AT_CHANGE: change } = process.env
let linesLeft = Number(lines)
let changesLeft = Number(change)

function count() {
  if (linesLeft === 0 && --changesLeft === 0) process.kill(process.pid, signal)
}

function watch(api, names, isChange = () => true) {
  for (const name of names) {
    const original = api[name]
    api[name] = function (...given) {
      if (isChange(...given)) count()
      return original.apply(this, given)
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
