import { readFileSync } from "node:fs"
import { join } from "node:path"
import type { DefaultTheme } from "vitepress"
import { linkOnSite, markdownFiles, pageOf, repository } from "./pages.js"

const textOf = (file: string) => readFileSync(join(repository, file), "utf8")

function item(file: string): DefaultTheme.SidebarItem {
  const [, title = file] = /^# (.+)$/m.exec(textOf(file)) ?? []
  return { text: title.replaceAll(/[`\\]/g, ""), link: `/${pageOf(file)}` }
}

/** The pages in the order in which docs/README.md names them, then the others. */
function inOrder(files: readonly string[]): string[] {
  const index = textOf("docs/README.md")
  const named = [...index.matchAll(/\]\(([^)\s]+)\)/g)].map(([, href = ""]) => linkOnSite("docs/README.md", href))
  const place = (file: string) => {
    const at = named.findIndex((link) => link.split("#")[0] === `/${pageOf(file)}`)
    return at < 0 ? named.length : at
  }
  return files.toSorted((a, b) => place(a) - place(b))
}

/** Every page of the repository, by what it is about. */
export function sidebar(): DefaultTheme.SidebarItem[] {
  const files = inOrder(markdownFiles())
  const group = (text: string, pattern: RegExp, collapsed = false): DefaultTheme.SidebarItem => ({
    text,
    collapsed,
    items: files.filter((file) => pattern.test(file)).map(item),
  })
  const groups = [
    group("Start", /^(README|docs\/(README|tutorial))\.md$/),
    group("Concepts", /^docs\/concepts\//),
    group("How to", /^docs\/how-to\//),
    group("The store", /^docs\/store\//),
    group("Documentation", /^docs\/(?!README|tutorial)[^/]+\.md$/),
    group("Promises", /^docs\/promises\//, true),
    group("The protocol", /^docs\/protocol\//),
    group("Decisions", /^docs\/decisions\//, true),
    group("Performance", /^docs\/performance\//, true),
    group("Packages", /^packages\/(azure|cli|conformance|core|fs|gcs|langgraph|memory|s3)\/README\.md$/),
    group("API", /^packages\/site\/api\//),
    group("Examples", /^examples\//, true),
    group(
      "Repository",
      /^(?!README)[^/]+\.md$|^packages\/(?!azure|cli|conformance|core|fs\/README|gcs\/|langgraph|memory|s3|site)/,
      true,
    ),
  ]
  return groups.filter(({ items = [] }) => items.length > 0)
}
