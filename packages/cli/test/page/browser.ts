/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type BrowserContext, chromium, type Page } from "playwright-core"
import { afterAll, beforeAll, expect, inject, onTestFinished } from "vitest"
import type { ServedPage } from "../../src/page/serve.js"
import { listed } from "./serving.js"

/** The path of the browser; undefined where there is none, and its tests are left out. */
export const executablePath = inject("chromium")

const args = [
  ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
  ...["--disable-component-update", "--disable-sync"],
]

const viewport = { width: 1280, height: 900 }

/** A browser with an empty profile for the tests of a file. It ends with them. */
export function useBrowser(): { visit(page: ServedPage, path: string, options?: VisitOptions): Promise<Page> } {
  let profile: string
  let context: BrowserContext
  beforeAll(async () => {
    profile = await mkdtemp(join(tmpdir(), "ckpt-chromium-"))
    const options = { args, headless: true, viewport, timezoneId: "America/New_York", reducedMotion: "reduce" } as const
    context = await chromium.launchPersistentContext(profile, { ...options, executablePath: executablePath! })
  })
  afterAll(async () => {
    await context.close()
    await rm(profile, { recursive: true, force: true })
  })
  return {
    async visit(
      served,
      path,
      { scheme = "light", size = viewport, now, isRefused = false, withoutToken = false, withoutCharts = false } = {},
    ) {
      await listed(served)
      const page = await context.newPage()
      const wrong: string[] = []
      // A breach of the policy is an error of the console, too.
      page.on("console", (message) => {
        const isAnswer = message.text().includes("the server responded with a status of")
        if (message.type() === "error" && !(isRefused && isAnswer)) wrong.push(message.text())
      })
      page.on("pageerror", (error) => wrong.push(String(error)))
      page.on("dialog", (dialog) => {
        wrong.push(`a dialog: ${dialog.message()}`)
        void dialog.dismiss()
      })
      page.on("request", (request) => {
        if (!request.url().startsWith(served.origin)) wrong.push(`asked elsewhere: ${request.url()}`)
      })
      onTestFinished(async () => {
        await page.close()
        expect(wrong).toEqual([])
      })
      await page.emulateMedia({ colorScheme: scheme })
      await page.setViewportSize(size)
      if (now !== undefined) await page.clock.setFixedTime(now)
      const url = new URL(path, served.origin)
      if (!withoutToken) url.searchParams.set("token", new URL(served.url).searchParams.get("token") ?? "")
      await page.goto(url.href)
      if (!withoutCharts) await drawn(page)
      return page
    },
  }
}

export interface VisitOptions {
  readonly scheme?: "light" | "dark"
  readonly size?: { readonly width: number; readonly height: number }
  /** The browser's clock: milliseconds since 1970. */
  readonly now?: number
  /** The answer is no 200, which the console tells as an error. */
  readonly isRefused?: boolean
  /** Somebody who was not given the address. */
  readonly withoutToken?: boolean
  /** The charts will not be drawn. */
  readonly withoutCharts?: boolean
}

/** Waits until every chart of the page is drawn. */
export async function drawn(page: Page): Promise<void> {
  await page.waitForFunction(() =>
    [...document.querySelectorAll("[data-chart]")].every((one) => one.hasAttribute("data-drawn")),
  )
  // uPlot draws with the next frame.
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))))
}
