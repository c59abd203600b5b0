import { readdirSync, readFileSync } from "node:fs"
import { join, posix } from "node:path"

const unescaped = (text: string) => text.replaceAll("&amp;", "&")

/** What the built pages link to and is not there: pages, files, and the anchors within them. `pages` has each file's text. */
export function deadLinks(pages: ReadonlyMap<string, string>, files: ReadonlySet<string>): string[] {
  const anchors = new Map(
    [...pages].map(([name, html]) => [name, new Set([...html.matchAll(/\sid="([^"]+)"/g)].map(([, id = ""]) => id))]),
  )
  return [...pages].flatMap(([name, html]) =>
    [...html.matchAll(/<a\b[^>]*?\shref="([^"]*)"/g)].flatMap(([, href = ""]) => {
      if (/^[a-z][a-z0-9+.-]*:/i.test(href)) return []
      const [, path = "", hash = ""] = /^([^?#]*)[^#]*#?(.*)$/.exec(unescaped(href)) ?? []
      const target = path === "" ? name : posix.join(path.startsWith("/") ? "" : posix.dirname(name), decodeURI(path))
      const file = target.replace(/^\//, "").replace(/(^|\/)$/, "$1index.html")
      const isThere = files.has(file) && (hash === "" || anchors.get(file)?.has(decodeURIComponent(hash)) === true)
      return isThere ? [] : [`${name}: ${href}`]
    }),
  )
}

/** @throws {Error} if a built page links to what is not there */
export function checkLinks(folder: string): void {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
  const pages = files.filter((file) => file.endsWith(".html") && file !== "404.html")
  const dead = deadLinks(new Map(pages.map((file) => [file, readFileSync(join(folder, file), "utf8")])), new Set(files))
  if (dead.length > 0) throw new Error(`dead links:\n${[...new Set(dead)].join("\n")}`)
}
