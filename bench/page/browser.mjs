import { spawn } from "node:child_process"
import { once } from "node:events"
import { createRequire } from "node:module"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"

// Playwright is a tool of the package whose page is measured.
const require = createRequire(new URL("../../packages/cli/package.json", import.meta.url))
const bin = fileURLToPath(new URL("../../packages/cli/dist/bin.js", import.meta.url))
const args = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]

/**
 * A browser with an empty profile.
 *
 * @param {string} profile an empty folder
 * @returns {Promise<import("../../packages/cli/node_modules/playwright-core").BrowserContext | undefined>} undefined without a browser
 */
export async function launch(profile) {
  const { findChromium } = await import("../../packages/test-servers/dist/index.js")
  const executablePath = await findChromium()
  if (executablePath === undefined) return undefined
  const { chromium } = require("playwright-core")
  return chromium.launchPersistentContext(profile, { executablePath, args, viewport: { width: 1280, height: 900 } })
}

/**
 * `ckpt serve` as a process of its own.
 *
 * @param {string} folder of the store
 */
export async function serve(folder) {
  const child = spawn(process.execPath, [bin, "serve", `file:${folder}`, "--port", "0"], {
    stdio: ["ignore", "pipe", "ignore"],
  })
  const [url] = await once(createInterface({ input: child.stdout }), "line")
  return {
    url: String(url),
    async stop() {
      child.kill()
      await once(child, "exit")
    },
  }
}
