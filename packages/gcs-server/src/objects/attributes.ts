import { invalid, ServiceError } from "../errors.js"

/** The attributes that a writer may give an object, by their names in the JSON API. */
export interface Attributes {
  contentType?: string
  contentEncoding?: string
  contentDisposition?: string
  contentLanguage?: string
  cacheControl?: string
  customTime?: string
  storageClass?: string
  /** The user's own pairs. */
  metadata?: Record<string, string>
}

const plain = [
  "contentType",
  "contentEncoding",
  "contentDisposition",
  "contentLanguage",
  "cacheControl",
  "customTime",
  "storageClass",
] as const satisfies (keyof Attributes)[]

/** The resource that came with an upload: the attributes, and the name and checksums if they are in it. */
export interface DeclaredObject {
  readonly name?: string
  readonly crc32c?: string
  readonly md5Hash?: string
  readonly attributes: Attributes
}

/** @throws {ServiceError} 400 if this is not the JSON of an object resource; fields unknown here are ignored */
export function parseObjectResource(text: string): DeclaredObject {
  const json = parseJson(text)
  const string = (field: "name" | "crc32c" | "md5Hash") => {
    const value = json[field]
    if (value === undefined || value === null) return {}
    if (typeof value !== "string") throw invalid(`Invalid value for: ${field}`)
    return { [field]: value }
  }
  const attributes = patchAttributes({}, json)
  return { ...string("name"), ...string("crc32c"), ...string("md5Hash"), attributes }
}

/** The attributes after a PATCH: an absent one stays, `null` removes one, and `metadata` is merged pair by pair. */
export function patchAttributes(before: Attributes, patch: Record<string, unknown>): Attributes {
  const after: Attributes = { ...before }
  for (const field of plain) {
    const value = patch[field]
    if (value === undefined) continue
    if (value === null) delete after[field]
    else if (typeof value === "string") after[field] = value
    else throw invalid(`Invalid value for: ${field}`)
  }
  const pairs = patch["metadata"]
  if (pairs === null) delete after.metadata
  else if (pairs !== undefined) after.metadata = patchPairs(after.metadata, pairs)
  return after
}

function patchPairs(before: Record<string, string> | undefined, patch: unknown): Record<string, string> {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) throw invalid("Invalid value for: metadata")
  const after = new Map(Object.entries(before ?? {}))
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) after.delete(key)
    else if (typeof value === "object") throw invalid(`Invalid value for: metadata.${key}`)
    else after.set(key, String(value))
  }
  return Object.fromEntries(after)
}

/** @throws {ServiceError} 400; an empty body is an empty object */
export function parseJson(text: string): Record<string, unknown> {
  if (text.trim() === "") return {}
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw parseError()
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) throw parseError()
  return json as Record<string, unknown>
}

const parseError = () => new ServiceError(400, "parseError", "Parse Error")
