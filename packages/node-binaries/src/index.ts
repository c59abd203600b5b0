import { existsSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

export interface NodeBinary {
  /** "24" */
  readonly major: string
  /** The program's path. */
  readonly path: string
}

const packageFolder = dirname(dirname(fileURLToPath(import.meta.url)))

/**
 * The Nodes that this machine can run; the first is the Node that runs this code. There are packages for Linux on x64
 * alone. In CI a missing Node is an error, elsewhere it is left out.
 */
export function nodeBinaries(): NodeBinary[] {
  const installed = ["20", "22", "24", "26"].map((major) => ({
    major,
    path: join(packageFolder, "node_modules", `node-${major}-linux-x64`, "bin", "node"),
  }))
  const missing = installed.filter(({ path }) => !existsSync(path))
  if (missing.length > 0 && process.env["CI"] === "true") {
    throw new Error(`no Node ${missing.map(({ major }) => major).join(", ")} is installed for this machine`)
  }
  const atHand = { major: process.versions.node.split(".", 1)[0] as string, path: process.execPath }
  return [atHand, ...installed.filter((one) => !missing.includes(one) && one.major !== atHand.major)]
}
