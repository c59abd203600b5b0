import { BackendError } from "../errors.js"

/**
 * The entity tag without the mark of a weak one: `W/"a"` and `"a"` are one version. A proxy that compresses marks the tags of its
 * answers as weak. The storage itself knows the strong form alone, and `If-Match` never holds for a weak one (RFC 9110, 13.1.1).
 */
export function strongEtag(etag: string): string {
  return etag.replace(/^W\//, "")
}

/**
 * Any other text is a version that no object has. `If-Match` would take it for something else: "*" for every version, a comma for
 * a list, and a client refuses what no header can hold.
 *
 * @throws {BackendError} `precondition`
 */
export function assertEtag(key: string, version: string): void {
  if (/^("?)(?!\*\1$)[!#-+\--~]+\1$/.test(version)) return
  throw new BackendError("precondition", `${key} does not have version ${version}, which is no entity tag`)
}
