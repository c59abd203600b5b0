import { invalid, notImplemented } from "../errors.js"
import type { Bucket } from "../objects/store.js"
import type { StoredObject } from "../objects/stored-object.js"
import { pageTokenAfter, readPageToken } from "./page-token.js"
import { compareUtf8 } from "./sorted-names.js"

/** The most entries of one page, even if the caller asks for more. */
const pageLimit = 1000

export interface ListQuery {
  readonly prefix: string
  readonly delimiter: string
  readonly startOffset: string
  /** Exclusive; empty for none. */
  readonly endOffset: string
  readonly maxResults: number
  /** The last name or prefix of the page before. */
  readonly after: string | undefined
}

export interface Page {
  readonly items: StoredObject[]
  readonly prefixes: string[]
  readonly nextPageToken?: string
}

/** @throws {ServiceError} 400 */
export function readListQuery(query: URLSearchParams): ListQuery {
  for (const option of ["versions", "softDeleted", "includeTrailingDelimiter", "includeFoldersAsPrefixes"]) {
    if (query.get(option) === "true") throw notImplemented(option)
  }
  if (query.has("matchGlob") || query.has("filter")) throw notImplemented("matchGlob or filter")
  const token = query.get("pageToken")
  return {
    prefix: query.get("prefix") ?? "",
    delimiter: query.get("delimiter") ?? "",
    startOffset: query.get("startOffset") ?? "",
    endOffset: query.get("endOffset") ?? "",
    maxResults: readMaxResults(query),
    after: token === null || token === "" ? undefined : readPageToken(token),
  }
}

/** @throws {ServiceError} 400 */
export function readMaxResults(query: URLSearchParams): number {
  const text = query.get("maxResults")
  if (text === null) return pageLimit
  if (!/^\d+$/.test(text)) throw invalid(`Invalid unsigned integer value: '${text}'.`)
  // Zero means "no limit asked for".
  return Math.min(Number(text) || pageLimit, pageLimit)
}

/** One page. Names that share a prefix up to the delimiter are one entry of `prefixes`, and count once. */
export function listPage(bucket: Bucket, query: ListQuery): Page {
  const { prefix, delimiter, after } = query
  const items: StoredObject[] = []
  const prefixes: string[] = []
  let last = after
  for (const name of bucket.names.from(later(later(prefix, query.startOffset), after ?? ""))) {
    if (!name.startsWith(prefix)) break
    if (query.endOffset !== "" && compareUtf8(name, query.endOffset) >= 0) break
    const group = groupOf(name, prefix, delimiter)
    const entry = group ?? name
    if (last !== undefined && compareUtf8(entry, last) <= 0) continue
    if (items.length + prefixes.length === query.maxResults) {
      return { items, prefixes, nextPageToken: pageTokenAfter(last as string) }
    }
    if (group === undefined) items.push(bucket.objects.get(name) as StoredObject)
    else prefixes.push(group)
    last = entry
  }
  return { items, prefixes }
}

function groupOf(name: string, prefix: string, delimiter: string): string | undefined {
  const at = delimiter === "" ? -1 : name.indexOf(delimiter, prefix.length)
  return at === -1 ? undefined : name.slice(0, at + delimiter.length)
}

const later = (a: string, b: string) => (compareUtf8(a, b) < 0 ? b : a)
