import { relative } from "node:path"
import { renderMermaidSVG } from "beautiful-mermaid"
import type { MarkdownEnv, MarkdownRenderer } from "vitepress"
import { linkOnSite, repository } from "./pages.js"

/** The Markdown file that is rendered, from the root of the repository. */
const fileOf = ({ realPath, path }: MarkdownEnv) => relative(repository, realPath ?? path)

/** Links lead to where they lead on the disk. A link to nothing ends the build. */
export function links(md: MarkdownRenderer): void {
  md.core.ruler.push("links", ({ tokens, env }) => {
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      if (token.type !== "link_open") continue
      const href = token.attrGet("href") ?? ""
      if (!href.startsWith("#")) token.attrSet("href", linkOnSite(fileOf(env), href))
    }
  })
}

/** Drawings of Mermaid are drawn when the site is built, in the colours of its theme. */
export function drawings(md: MarkdownRenderer): void {
  const { fence } = md.renderer.rules
  md.renderer.rules.fence = (tokens, index, options, env, self) => {
    const { info = "", content = "" } = tokens[index] ?? {}
    if (info.trim() !== "mermaid") return fence?.(tokens, index, options, env, self) ?? ""
    const svg = renderMermaidSVG(content, {
      bg: "var(--vp-c-bg)",
      fg: "var(--vp-c-text-1)",
      muted: "var(--vp-c-text-2)",
      line: "var(--vp-c-text-3)",
      transparent: true,
      font: "inherit",
    })
    // Vue takes no <style> within a template, and the drawing has one.
    return `<div class="drawing" role="img" v-html="${md.utils.escapeHtml(JSON.stringify(svg))}"></div>\n`
  }
}
