import { slug } from "github-slugger"
import { defineConfig } from "vitepress"
import { checkLinks } from "../src/check.js"
import { drawings, links } from "../src/markdown.js"
import { noPages, pageOf } from "../src/pages.js"
import { sidebar } from "../src/sidebar.js"

/** The pages lie outside of this package, and would look for Vue in vain. What renders them finds it here. */
const vue = {
  name: "vue-of-this-package",
  enforce: "pre" as const,
  resolveId: (id: string, _importer: string | undefined, { ssr }: { ssr?: boolean }) =>
    ssr === true && /^vue(\/server-renderer)?$/.test(id) ? { id, external: true } : undefined,
}

export default defineConfig({
  title: "@ckpt",
  description: "Crash-safe, verified checkpoints for Node.js, on any storage.",
  srcDir: "../..",
  srcExclude: noPages,
  outDir: "dist",
  rewrites: pageOf,
  markdown: {
    // As the links of the repository have them.
    anchor: { slugify: slug },
    config: (md) => void md.use(links).use(drawings),
  },
  themeConfig: {
    search: { provider: "local" },
    outline: [2, 3],
    sidebar: sidebar(),
  },
  // The API of @ckpt/core is one long page.
  vite: { plugins: [vue], build: { chunkSizeWarningLimit: 2_000 } },
  buildEnd: ({ outDir }) => checkLinks(outDir),
})
