import { join } from "node:path"
import { createMarkdownRenderer } from "vitepress"
import { expect, test } from "vitest"
import { drawings, links } from "../src/markdown.js"
import { repository } from "../src/pages.js"

const renderer = createMarkdownRenderer(repository, { config: (md) => void md.use(links).use(drawings) })

async function render(text: string): Promise<string> {
  return (await renderer).render(text, { path: join(repository, "docs/faq.md") })
}

test("links lead to the pages of the site, also from within a table", async () => {
  const html = await render(
    "| a |\n|---|\n| [rule](../packages/core/src/history/rule.ts) |\n\n[above](#words) [fs](../packages/fs)",
  )
  expect(html).toContain('href="/source/packages/core/src/history/rule.ts.html"')
  expect(html).toContain('href="#words"')
  expect(html).toContain('href="/packages/fs/"')
})

test("a dead link ends the build", async () => {
  await expect(render("[gone](gone.md)")).rejects.toThrow("docs/faq.md has a link to gone.md, where nothing is")
})

test("a block of mermaid becomes a drawing, other code stays code", async () => {
  const html = await render("```mermaid\nflowchart LR\n  a[save] --> b[recover]\n```\n\n```ts\nconst a = 1\n```")
  expect(html).toMatch(/<div class="drawing" role="img" v-html="&quot;&lt;svg .*save.*recover/)
  expect(html).toContain('class="language-ts')
})

test("a kind of drawing that is not known ends the build", async () => {
  await expect(render("```mermaid\ngantt\n  title x\n```")).rejects.toThrow("Invalid mermaid header")
})
