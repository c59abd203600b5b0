import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"

/** A file that the browser loads, as it lies in a package. */
export interface Asset {
  readonly body: Uint8Array<ArrayBuffer>
  readonly type: string
  /** Of its content, so that a browser may keep it for ever. */
  readonly hash: string
}

const require = createRequire(import.meta.url)
// By its own name, from wherever this module was bundled to.
const own = join(dirname(require.resolve("@ckpt/cli/package.json")), "dist", "page")

const files: Readonly<Record<string, readonly [path: string, type: string]>> = {
  "page.css": [join(own, "page.css"), "text/css; charset=utf-8"],
  "page.js": [join(own, "page.js"), "text/javascript; charset=utf-8"],
  "icon.svg": [join(own, "icon.svg"), "image/svg+xml"],
  "uplot.js": [require.resolve("uplot/dist/uPlot.iife.min.js"), "text/javascript; charset=utf-8"],
  "uplot.css": [require.resolve("uplot/dist/uPlot.min.css"), "text/css; charset=utf-8"],
}

const read = new Map<string, Asset>()

/** Read once, when it is first asked for. Undefined for another name. */
export function asset(name: string): Asset | undefined {
  const known = read.get(name)
  const file = Object.hasOwn(files, name) ? files[name] : undefined
  if (known !== undefined || file === undefined) return known
  const body = new Uint8Array(readFileSync(file[0]))
  const found = { body, type: file[1], hash: createHash("sha256").update(body).digest("hex").slice(0, 16) }
  read.set(name, found)
  return found
}

/** The URL of an asset. */
export function assetUrl(name: string): string {
  return `/assets/${name}?${asset(name)?.hash ?? ""}`
}
