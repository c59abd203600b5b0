import { fileURLToPath, pathToFileURL } from "node:url"
import { CheckpointError } from "../errors.js"
import { normalizePrefix } from "../format/layout.js"
import { show } from "../input/show.js"

const packages: ReadonlyMap<string, string> = new Map([
  ["file", "@ckpt/fs"],
  ["s3", "@ckpt/s3"],
  ["gs", "@ckpt/gcs"],
  ["az", "@ckpt/azure"],
])

/** One way to write a URL of each storage, for messages and help. */
export const urlExamples = "file:./data, s3://bucket/prefix, gs://bucket/prefix, az://account/container/prefix"

/**
 * The scheme of a storage's URL, in lower case and without the colon. Whether the scheme is known is not asked here.
 *
 * @throws {CheckpointError} `CKPT_INVALID` for what is no URL, and for a URL with credentials, which is not repeated
 */
export function schemeOf(url: unknown): string {
  if (typeof url !== "string") throw invalid(`the URL is ${show(url)}; give a text such as ${urlExamples}`)
  if (url === "") throw invalid(`the URL of the store is empty; write one of ${urlExamples}`)
  // Two letters at least: one is a drive of Windows.
  const [, scheme] = /^([a-z][a-z0-9+.-]+):/i.exec(url) ?? []
  if (scheme === undefined) {
    const path = /^[a-z]:[/\\]/i.test(url) ? `file:///${url.replaceAll("\\", "/")}` : `file:${url}`
    const advice = `For a folder write ${path}; others are ${urlExamples}`
    throw invalid(`${JSON.stringify(url)} is no URL of a store. ${advice}`)
  }
  if (/^\/\/[^/]*@/.test(url.slice(scheme.length + 1))) {
    const advice = "credentials do not belong into a URL: give them as options"
    throw invalid(`a ${scheme}: URL has "@" before its first "/"; ${advice}`)
  }
  return scheme.toLowerCase()
}

/**
 * Takes the URL of a place in an object store apart: `s3://bucket/team/job`. A key has the characters of the URL: nothing is decoded.
 *
 * @param names what stands before the prefix, such as `["bucket"]`
 * @returns the names with their values, and `prefix`: empty, or segments that end in "/"
 * @throws {CheckpointError} `CKPT_INVALID`
 */
export function parseObjectUrl<Name extends string>(
  url: unknown,
  scheme: string,
  names: readonly Name[],
): Record<Name | "prefix", string> {
  const example = `${scheme}://${names.join("/")}/prefix`
  const text = assertScheme(url, scheme, example)
  if (text.includes("?")) {
    // The URL is not repeated: a query may hold a signature.
    throw invalid(`a ${scheme}: URL has a "?", and takes no query; write ${example}, and give options beside it`)
  }
  const [, path] = /^[^:]*:\/\/(.*)$/s.exec(text) ?? []
  if (path === undefined) throw invalid(`${JSON.stringify(text)} lacks "//"; write ${example}`)
  const segments = path.split("/")
  const values = names.map((name, at) => {
    const value = segments[at]
    if (!value) throw invalid(`${JSON.stringify(text)} has no ${name}; write ${example}`)
    return [name, value]
  })
  return { ...Object.fromEntries(values), prefix: normalizePrefix(segments.slice(names.length).join("/")) }
}

/**
 * The folder of a `file:` URL, as a path. Its percent escapes are decoded.
 *
 * @param cwd where a relative one starts; default: the current folder of the process
 * @throws {CheckpointError} `CKPT_INVALID`
 */
export function folderOfUrl(url: unknown, cwd: string = process.cwd()): string {
  const advice = "write file:./data or file:///var/lib/job, with %23 for #, %3F for ? and %25 for %"
  const text = assertScheme(url, "file", "file:./data")
  if (text.slice("file:".length) === "") throw invalid(`file: has no folder; ${advice}`)
  const whole = URL.canParse(text) ? new URL(text, pathToFileURL(`${cwd}/`)) : undefined
  if (whole === undefined || whole.search !== "" || whole.hash !== "")
    throw invalid(`${text} is no URL of a folder; ${advice}`)
  try {
    return fileURLToPath(whole)
  } catch (cause) {
    throw invalid(`${text} is no URL of a folder of this machine; ${advice}`, cause)
  }
}

function assertScheme(url: unknown, scheme: string, example: string): string {
  const found = schemeOf(url)
  if (found === scheme) return url as string
  const other = packages.get(found)
  throw invalid(
    other === undefined
      ? `the scheme ${found}: is unknown; write ${example}`
      : `${found}: is the scheme of ${other}; import fromUrl from ${other}, or write ${example}`,
  )
}

function invalid(message: string, cause?: unknown): CheckpointError {
  return new CheckpointError("CKPT_INVALID", `${message}.`, { cause })
}
