// Run in packages/cli, behind `bundle.mjs`: makes `dist/page`, which `ckpt serve` sends to the browser as it is. The script is one
// module, made of those in `src/browser`; uPlot stays in its own package, which has a file for browsers.
import { copyFileSync, mkdirSync } from "node:fs"
import { rolldown } from "rolldown"

mkdirSync("dist/page", { recursive: true })
const bundled = await rolldown({
  input: "src/browser/page.ts",
  platform: "browser",
  onLog(_level, { message }) {
    throw new Error(message)
  },
})
await bundled.write({ file: "dist/page/page.js", format: "es" })
for (const name of ["page.css", "icon.svg"]) copyFileSync(`src/browser/${name}`, `dist/page/${name}`)
