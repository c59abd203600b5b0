import { CheckpointError } from "@ckpt/core"

/** A store's URL, taken apart. */
export interface StoreUrl {
  /** The URL as it was given. */
  readonly text: string
  /** In lower case, without the colon. */
  readonly scheme: string
  /** Behind the scheme and "//": `bucket/team/job`. Empty for `file:`, whose path {@link StoreUrl.text} has. */
  readonly segments: readonly string[]
  /** The last segment, for people. */
  readonly name: string
}

/** One way to write a URL of each kind, for messages and help. */
export const urlExamples = "file:./data, s3://bucket/prefix, gs://bucket/prefix, az://account/container/prefix"

/**
 * Takes a URL apart. Whether its scheme is known is not asked here.
 *
 * @throws {CheckpointError} `CKPT_INVALID`
 */
export function parseStoreUrl(text: string): StoreUrl {
  // Two letters at least: one is a drive of Windows.
  const [, scheme] = /^([a-z][a-z0-9+.-]+):/i.exec(text) ?? []
  if (scheme === undefined) throw noUrl(text)
  const rest = text.slice(scheme.length + 1)
  if (scheme.toLowerCase() === "file") {
    return { text, scheme: "file", segments: [], name: lastOf(rest.split(/[/\\]/)) || rest }
  }
  const path = rest.replace(/^\/\//, "")
  if (/^[^/]*@/.test(path)) {
    // The URL is not repeated: it may hold a password.
    throw invalid(
      `a ${scheme}: URL has "@" before its first "/"; credentials do not belong into a URL: use --credentials`,
    )
  }
  const segments = path.split("/").filter((segment, at, all) => segment !== "" || at < all.length - 1)
  return { text, scheme: scheme.toLowerCase(), segments, name: lastOf(segments) || text }
}

/**
 * The part of a URL that must be there.
 *
 * @throws {CheckpointError} `CKPT_INVALID`
 */
export function neededSegment({ text, segments }: StoreUrl, at: number, what: string, example: string): string {
  const segment = segments[at]
  if (segment) return segment
  throw invalid(`${JSON.stringify(text)} has no ${what}; write ${example}`)
}

/** The prefix that begins at a segment: empty, or segments that end in "/". A key has these characters: nothing is decoded. */
export function prefixFrom({ segments }: StoreUrl, at: number): string {
  return segments
    .slice(at)
    .map((segment) => `${segment}/`)
    .join("")
}

/** The error of a URL or an option that cannot be used. */
export function invalid(message: string, cause?: unknown): CheckpointError {
  return new CheckpointError("CKPT_INVALID", `${message}.`, { cause })
}

function noUrl(text: string): CheckpointError {
  if (text === "") return invalid(`the URL of the store is empty; write one of ${urlExamples}`)
  const path = /^[a-z]:[/\\]/i.test(text) ? `file:///${text.replaceAll("\\", "/")}` : `file:${text}`
  return invalid(`${JSON.stringify(text)} is no URL of a store. For a folder write ${path}; others are ${urlExamples}`)
}

function lastOf(segments: readonly string[]): string {
  return segments.findLast((segment) => segment !== "" && segment !== "." && segment !== "..") ?? ""
}
