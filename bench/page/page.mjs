import { fill } from "../fs/many.mjs"
import { launch, serve } from "./browser.mjs"

/** @typedef {import("../../packages/cli/node_modules/playwright-core").Page} Page */

const frames = 90

/**
 * The page of a store with many checkpoints: its first paint, before and after the store is listed, its charts, and the frames while
 * it is panned.
 *
 * @param {{ count: number, rounds: number }} what
 * @param {import("../lib/disk.mjs").Workplace} workplace
 * @returns {Promise<import("../lib/race.mjs").Race[]>}
 */
export async function pageRaces({ count, rounds }, workplace) {
  const browser = await launch(await workplace.fresh())
  if (browser === undefined) return []
  const folder = await workplace.fresh()
  await fill(folder, count)
  /** @type {Record<"painted" | "soon" | "drawn" | "panned", number[]>} */
  const ms = { painted: [], soon: [], drawn: [], panned: [] }
  const listed = await serve(folder)
  try {
    await shown(await browser.newPage(), listed.url, count)
    for (let round = 0; round < rounds; round++) {
      const fresh = await serve(folder)
      ms.soon.push((await opened(await browser.newPage(), fresh.url)).painted)
      await fresh.stop()
      const page = await browser.newPage()
      const { painted, drawn } = await opened(page, listed.url)
      ms.painted.push(painted)
      ms.drawn.push(drawn)
      ms.panned.push(...(await panned(page)))
      await page.close()
    }
  } finally {
    await listed.stop()
    await browser.close()
  }
  const results = [
    { name: "first paint", ms: ms.painted, note: "the store was listed before" },
    { name: "first paint of a new server", ms: ms.soon, note: "the store is being listed" },
    { name: "charts drawn", ms: ms.drawn, note: "the store was listed before" },
    { name: "a frame while panning", ms: ms.panned, note: `${frames} frames in each round` },
  ]
  return [{ id: `page-${count}`, title: `the page of ckpt serve, ${count} checkpoints`, results }]
}

/**
 * Waits until the listing has ended.
 *
 * @param {Page} page
 * @param {string} url
 * @param {number} count
 */
async function shown(page, url, count) {
  await page.goto(url)
  await page.locator("#table .bar p", { hasText: count.toLocaleString("en") }).waitFor({ timeout: 300_000 })
  await page.close()
}

/**
 * @param {Page} page
 * @param {string} url
 */
async function opened(page, url) {
  await page.goto(url)
  await page.waitForFunction(() => document.querySelector("[data-drawn]") !== null)
  return page.evaluate(() => ({
    painted: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? Number.NaN,
    drawn: performance.now(),
  }))
}

/**
 * The times between frames while everything is dragged to and fro: half of the checkpoints are in view.
 *
 * @param {Page} page
 * @returns {Promise<number[]>}
 */
async function panned(page) {
  const over = page.locator(".u-over").first()
  await page.locator(".plot").first().focus()
  await page.keyboard.press("+")
  await page.waitForFunction(() => location.search.includes("from="))
  return over.evaluate(async (element, frames) => {
    const { left, top, width } = element.getBoundingClientRect()
    /** @param {string} type @param {number} x */
    const point = (type, x) =>
      element.dispatchEvent(
        new PointerEvent(type, { clientX: x, clientY: top + 20, pointerId: 1, bubbles: true, button: 0 }),
      )
    element.setPointerCapture = () => {}
    point("pointerdown", left + width / 2)
    /** @type {number[]} */
    const between = []
    let last = await new Promise(requestAnimationFrame)
    for (let frame = 0; frame < frames; frame++) {
      point("pointermove", left + width / 2 + Math.sin(frame / 8) * (width / 3))
      const now = await new Promise(requestAnimationFrame)
      between.push(now - last)
      last = now
    }
    point("pointerup", left + width / 2)
    return between
  }, frames)
}
