// The pages of the site are the Markdown files of the repository, each at its own path. A README is the index of its folder. What
// they link to besides is shown too: a source file as a page, a folder without a README as a list.
import { readdirSync, readFileSync, statSync } from "node:fs"
import { join, posix, relative } from "node:path"
import { fileURLToPath } from "node:url"

export const repository = fileURLToPath(new URL("../../../", import.meta.url)).replace(/\/$/, "")

/** Globs of Markdown files that are no pages. */
export const noPages = ["bench/**", "**/build/**", "**/test/**", "**/CHANGELOG.md"]

/** The page of a Markdown file, both from the root of the repository. The API reference and the source files are written to this package. */
export function pageOf(file: string): string {
  return file.replace(/^packages\/site\/(?=(api|source)\/)/, "").replace(/(^|\/)README\.md$/, "$1index.md")
}

type Kind = "file" | "folder" | undefined

function kindOf(path: string): Kind {
  const stat = statSync(join(repository, path), { throwIfNoEntry: false })
  if (stat?.isDirectory()) return "folder"
  return stat?.isFile() ? "file" : undefined
}

/** What a link of a Markdown file leads to, from the root of the repository. `undefined`: nothing is there. */
function targetOf(from: string, name: string): string | undefined {
  const path = name === "" ? from : posix.join(posix.dirname(from), decodeURI(name)).replace(/\/$/, "")
  const kind = path.startsWith("..") ? undefined : kindOf(path)
  if (kind === "folder" && kindOf(`${path}/README.md`) === "file") return `${path}/README.md`
  return kind && path
}

/** A link that leaves the site, or that the site has as it is. */
const isOther = (href: string) => /^[a-z][a-z0-9+.-]*:|^\//i.test(href)

/**
 * A link of a Markdown file, as the site has it: to the page of a Markdown file, to the README of a folder, or to the page of a
 * source file.
 *
 * @throws {Error} if nothing is there
 */
export function linkOnSite(from: string, href: string): string {
  if (isOther(href)) return href
  const [name = "", hash] = href.split("#")
  const target = targetOf(from, name)
  if (target === undefined) throw new Error(`${from} has a link to ${href}, where nothing is`)
  const page = target.endsWith(".md") ? pageOf(target) : `source/${target}.md`
  return `/${page}${hash === undefined ? "" : `#${hash}`}`
}

/** The Markdown files below a folder, from the root of the repository. */
export function markdownFiles(folder = ""): string[] {
  return readdirSync(join(repository, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = posix.join(folder, entry.name)
    if (!entry.isDirectory()) return entry.name.endsWith(".md") ? [path] : []
    return /^\.|^(node_modules|dist|build|bench|test)$/.test(entry.name) ? [] : markdownFiles(path)
  })
}

/** The source files, and the folders without a README, that Markdown files link to. */
export function linkedSources(): string[] {
  const found = new Set<string>()
  for (const file of markdownFiles()) {
    const text = readFileSync(join(repository, file), "utf8")
    for (const [, href = ""] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (isOther(href)) continue
      const target = targetOf(file, href.split("#")[0] ?? "")
      if (target !== undefined && !/\.(md|svg|png)$/.test(target)) found.add(target)
    }
  }
  return [...found].sort()
}

/** The Markdown of a source file's page, or of a folder's. */
export function sourcePage(path: string): string {
  if (kindOf(path) === "folder") {
    const names = readdirSync(join(repository, path), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(join(repository, path), join(entry.parentPath, entry.name)))
      .sort()
    return `# ${path}\n\n${names.map((name) => `- \`${name}\``).join("\n")}\n`
  }
  const code = readFileSync(join(repository, path), "utf8")
  const longest = Math.max(2, ...[...code.matchAll(/`+/g)].map(([run]) => run.length))
  const fence = "`".repeat(longest + 1)
  // Without a language: to highlight them would take as long as all else.
  return `# ${path}\n\n${fence}\n${code}\n${fence}\n`
}
