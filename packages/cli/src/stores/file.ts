import { fileURLToPath, pathToFileURL } from "node:url"
import { FsBackend } from "@ckpt/fs"
import type { Connected, ConnectOptions } from "./connect.js"
import { invalid, type StoreUrl } from "./url.js"

// As `openFsStore` has it: a local disk may be silent for long while it flushes gigabytes.
const timeoutMs = 5 * 60 * 1000

export async function connectFile({ text }: StoreUrl, options: ConnectOptions): Promise<Connected> {
  const { cwd, readOnly, mayBeNew = false } = options
  const folder = folderOf(text, cwd)
  const backend = new FsBackend(folder, { readOnly, mustExist: !mayBeNew })
  return { backend, prefix: "", usualLayout: "directory", folder, timeoutMs }
}

function folderOf(text: string, cwd: string): string {
  const url = URL.canParse(text) ? new URL(text, pathToFileURL(`${cwd}/`)) : undefined
  const advice = "write file:./data or file:///var/lib/job, with %23 for #, %3F for ? and %25 for %"
  if (url === undefined || url.search !== "" || url.hash !== "")
    throw invalid(`${text} is no URL of a folder; ${advice}`)
  if (text.slice("file:".length) === "") throw invalid(`file: has no folder; ${advice}`)
  try {
    return fileURLToPath(url)
  } catch (cause) {
    throw invalid(`${text} is no URL of a folder of this machine; ${advice}`, cause)
  }
}
