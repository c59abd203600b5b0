import { BackendError, type ObjectMeta, type PutOptions } from "@ckpt/core"
import { assertEtag, strongEtag } from "@ckpt/core/adapter"

/** The fields of an answer that describe a blob. */
interface BlobAnswer {
  readonly etag?: string | undefined
  readonly lastModified?: Date | undefined
}

/** The version is the etag without its quotes: listings send it without quotes, other answers with them. */
export function metaOf(key: string, size: number | undefined, { etag, lastModified }: BlobAnswer): ObjectMeta {
  if (size === undefined || !etag || lastModified === undefined) {
    throw new Error(`the answer for ${key} lacks its size, etag or time: it does not come from Azure Blob Storage`)
  }
  return { key, size, version: strongEtag(etag).replace(/^"|"$/g, ""), lastModified }
}

export function conditionsOf(key: string, when: PutOptions["when"]): { ifNoneMatch?: string; ifMatch?: string } {
  if (when === undefined) return {}
  if (when === "absent") return { ifNoneMatch: "*" }
  const ifMatch = quoted(when.version)
  assertEtag(key, ifMatch)
  return { ifMatch }
}

export function quoted(version: string): string {
  return `"${version}"`
}

/** In an account with a hierarchical namespace a directory is a blob with this mark. */
export function isFolder(metadata: Record<string, string> | undefined): boolean {
  return metadata?.["hdi_isfolder"] === "true"
}

export function refuseFolder(key: string, metadata: Record<string, string> | undefined): void {
  if (isFolder(metadata)) throw new BackendError("damaged", `${key} is a directory`)
}
