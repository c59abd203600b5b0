import { fileURLToPath } from "node:url"
import { CheckpointError } from "@ckpt/core"
import { show } from "@ckpt/core/adapter"

/**
 * The root that a caller gave, as a path.
 *
 * @param what the function that was called, for the message
 * @throws {CheckpointError} `CKPT_INVALID`
 */
export function rootPath(what: string, root: unknown): string {
  const invalid = (problem: string) =>
    new CheckpointError("CKPT_INVALID", `${what}: the root ${problem}.`, { backend: "fs" })
  if (root instanceof URL) {
    try {
      return fileURLToPath(root)
    } catch {
      throw invalid(`is the URL ${root.href}; give the path of a folder, or a file: URL`)
    }
  }
  if (root === undefined) throw invalid("is missing; give the path of a folder")
  if (typeof root !== "string" || root === "" || root.includes("\0")) {
    throw invalid(`is ${show(root)}; give the path of a folder`)
  }
  // Node would take it for a folder named "file:" in the current one.
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(root)) {
    const instead = root.toLowerCase().startsWith("file:") ? "a path, or new URL() of it" : "the path of a folder"
    throw invalid(`is ${show(root)}, which is no path; give ${instead}`)
  }
  return root
}
