import { expect, test } from "vitest"
import { deadLinks } from "../src/check.js"
import { linkedSources, linkOnSite, markdownFiles, pageOf, sourcePage } from "../src/pages.js"

test.each([
  ["docs/protocol/README.md", "../reference.md#the-bytes-at-rest", "/docs/reference.md#the-bytes-at-rest"],
  ["docs/protocol/README.md", "../../packages/core/README.md", "/packages/core/index.md"],
  ["docs/README.md", "../packages/fs", "/packages/fs/index.md"],
  ["docs/README.md", "../README.md", "/index.md"],
  ["README.md", "docs/README.md", "/docs/index.md"],
  [
    "docs/protocol/README.md",
    "../../packages/core/src/history/rule.ts",
    "/source/packages/core/src/history/rule.ts.md",
  ],
  ["packages/promises/README.md", "test/list", "/source/packages/promises/test/list.md"],
  [
    "docs/faq.md",
    "https://docs.temporal.io/workflow-execution/limits",
    "https://docs.temporal.io/workflow-execution/limits",
  ],
])("in %s, a link to %s leads to %s", (from, href, link) => {
  expect(linkOnSite(from, href)).toBe(link)
})

test.each(["gone.md", "../../packages/gone", "../../../../etc/passwd"])("a link to %s is refused", (href) => {
  expect(() => linkOnSite("docs/protocol/README.md", href)).toThrow(
    `docs/protocol/README.md has a link to ${href}, where nothing is`,
  )
})

test("what this package makes has pages without its folder", () => {
  expect(pageOf("packages/site/api/README.md")).toBe("api/index.md")
  expect(pageOf("packages/site/source/a/b.ts.md")).toBe("source/a/b.ts.md")
})

test("each Markdown file has a page of its own", () => {
  const pages = markdownFiles().map(pageOf)
  expect(pages.filter((page, at) => pages.indexOf(page) !== at)).toEqual([])
})

test("every README and page is a Markdown file of the site, and what is linked besides has a page", () => {
  expect(markdownFiles()).toEqual(
    expect.arrayContaining(["README.md", "docs/protocol/README.md", "packages/fs/README.md"]),
  )
  expect(markdownFiles().filter((file) => /node_modules|\/dist\/|^bench\//.test(file))).toEqual([])
  const sources = linkedSources()
  expect(sources).toEqual(expect.arrayContaining(["packages/core/src/history/rule.ts", "packages/promises/test/list"]))
  expect(sourcePage("packages/promises/test/list")).toContain("- `claims.ts`")
})

test("a source file is fenced by more backticks than it has in a row", () => {
  const page = sourcePage("packages/site/test/links.test.ts") // which has four: ````
  const lengths = [...page.matchAll(/`+/g)].map(([run]) => run.length)
  const fence = Math.max(...lengths)
  expect(fence).toBeGreaterThan(4)
  expect(lengths.filter((length) => length === fence)).toHaveLength(2)
})

test("a built page that links to a page or an anchor which is not there is told", () => {
  const html = (...hrefs: string[]) =>
    `<h2 id="here">x</h2>${hrefs.map((href) => `<a class="x" href="${href}">y</a>`).join("")}`
  const pages = new Map([
    ["index.html", html("/docs/a.html#here", "docs/", "#here", "https://example.org/x#y", "/picture.svg")],
    ["docs/index.html", html("../index.html", "./a.html#gone", "/gone.html", "#gone")],
    ["docs/a.html", html("/", "a.html?x#here")],
  ])
  expect(deadLinks(pages, new Set([...pages.keys(), "picture.svg"]))).toEqual([
    "docs/index.html: ./a.html#gone",
    "docs/index.html: /gone.html",
    "docs/index.html: #gone",
  ])
})
