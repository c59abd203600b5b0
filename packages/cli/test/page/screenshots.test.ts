import { mkdir, readdir, readFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { putBody } from "@ckpt/core/adapter"
import { MemoryBackend } from "@ckpt/memory"
import type { Page } from "playwright-core"
import { describe, expect, test } from "vitest"
import { executablePath, useBrowser } from "./browser.js"
import { writeJob } from "./job.js"
import { memoryStore, serve } from "./serving.js"

const docs = fileURLToPath(new URL("../../../../docs/", import.meta.url))
const isUpdate = process.env["CKPT_UPDATE_DOCS"] === "1"

const startMs = Date.UTC(2026, 0, 5, 8)
const everyMs = 30_000
const checkpoints = 120
const pauseAfter = 70
/** When the pictures are taken: a little after the last checkpoint. */
const now = startMs + (checkpoints + 12) * everyMs + 17_000

/** A store for the pictures: a pause, a savepoint, a damaged manifest, and a damaged state that only a verification finds. */
async function picturedStore(name: string, ends: number, mostBytes: number) {
  const backend = new MemoryBackend({ now: () => now - 5_000 })
  const opened = { ...(await memoryStore(name, { backend })), url: `s3://checkpoints/${name}` }
  await writeJob(opened.store, {
    checkpoints: ends,
    startMs: startMs + (checkpoints - ends) * everyMs,
    everyMs,
    mostBytes,
    pauseAfter: name === "orders" ? pauseAfter : 0,
  })
  if (name !== "orders") return opened
  await opened.store.pin(40, "before-4.3")
  await putBody(backend, "manifests/manifest-000103.json", [Buffer.from("{")])
  await putBody(backend, "checkpoints/state-000096.bin", [
    Buffer.alloc(await sizeOf(backend, "checkpoints/state-000096.bin")),
  ])
  return opened
}

async function sizeOf(backend: MemoryBackend, key: string): Promise<number> {
  return (await backend.head(key, {}))?.size ?? 0
}

/** The pictures, by their names: which view, and what is done there first. */
const pictures: Readonly<
  Record<string, { path: string; scheme: "light" | "dark"; height: number; first?(page: Page): Promise<void> }>
> = {
  timeline: { path: "/s/orders/", scheme: "light", height: 860 },
  state: { path: "/s/orders/state", scheme: "dark", height: 740 },
  sources: { path: "/s/orders/sources", scheme: "light", height: 740 },
  checkpoint: {
    ...{ path: "/s/orders/c/96", scheme: "light", height: 860 },
    async first(page) {
      await page.getByRole("button", { name: "Verify every byte" }).click()
      await page.locator("#kind .damaged").first().waitFor()
    },
  },
  stores: { path: "/", scheme: "dark", height: 420 },
}

// Chromium comes from Debian, or CKPT_TEST_CHROMIUM names one; without it nothing draws the page. In CI a skipped test is a failure.
describe.skipIf(executablePath === undefined)("the pictures of docs/page.md", () => {
  const { visit } = useBrowser()

  test("are those that the page draws", async () => {
    const stores = [
      await picturedStore("orders", checkpoints, 500_000),
      await picturedStore("payments", 60, 200_000),
      await picturedStore("fraud", 30, 120_000),
    ]
    const served = await serve(stores)
    for (const [name, { path, scheme, height, first }] of Object.entries(pictures)) {
      const page = await visit(served, path, { scheme, now, size: { width: 1280, height } })
      await first?.(page)
      await page.locator("#live", { hasText: "live" }).waitFor()
      if (isUpdate) await mkdir(`${docs}page`, { recursive: true })
      const taken = await page.screenshot(isUpdate ? { path: `${docs}page/${name}.png` } : {})
      // A picture of an empty page would be smaller by far.
      expect([name, taken.length > 20_000]).toEqual([name, true])
      await page.close()
    }
  })
})

test("docs/page.md shows each picture, and no other", async () => {
  const text = await readFile(`${docs}page.md`, "utf8")
  const shown = [...text.matchAll(/!\[[^\]]+\]\(page\/([\w-]+)\.png\)/g)].map(([, name]) => name)
  expect(shown.toSorted()).toEqual(Object.keys(pictures).toSorted())
  expect((await readdir(`${docs}page`)).toSorted()).toEqual(shown.map((name) => `${name}.png`).toSorted())
})
