/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { once } from "node:events"
import { cp, mkdtemp, readFile, rm } from "node:fs/promises"
import { createServer } from "node:http"
import { createRequire } from "node:module"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { openCheckpointStore } from "@ckpt/core"
import { FsBackend, openFsStore } from "@ckpt/fs"
import { BackendError, MemoryBackend } from "@ckpt/memory"
import type { Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest"
import { servePage } from "../../src/page/serve.js"
import type { OpenedStore } from "../../src/stores/opened.js"
import { drawn, executablePath, useBrowser } from "./browser.js"
import { damage, hostileNames, writeJob } from "./job.js"
import { listed, memoryStore, serve, token } from "./serving.js"

const require = createRequire(import.meta.url)
const startMs = Date.UTC(2026, 0, 5, 8)

/** Two jobs on the disk, each with a damaged manifest and a damaged state, a savepoint, and a pause. axe takes a while for each row. */
const jobs = {
  usual: { of: 60, pinned: 20, pauseAfter: 35, damagedState: 44, damagedManifest: 51 },
  small: { of: 12, pinned: 3, pauseAfter: 5, damagedState: 8, damagedManifest: 10 },
}

/** The jobs are written once, which takes a sync for each checkpoint, and copied for each test. */
let written: string
beforeAll(async () => {
  written = await mkdtemp(join(tmpdir(), "ckpt-page-"))
  for (const [name, { of, pinned, pauseAfter, damagedState, damagedManifest }] of Object.entries(jobs)) {
    const folder = join(written, name)
    const store = await openFsStore(folder)
    await writeJob(store, { checkpoints: of, startMs, pauseAfter })
    await store.pin(pinned, "before-upgrade")
    await store.close()
    await damage(folder, damagedManifest, "manifest.json")
    await damage(folder, damagedState, "state.bin")
  }
})
afterAll(() => rm(written, { recursive: true, force: true }))

async function ordersStore(job: keyof typeof jobs = "usual"): Promise<OpenedStore> {
  const folder = await mkdtemp(join(tmpdir(), "ckpt-page-"))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await cp(join(written, job), folder, { recursive: true, preserveTimestamps: true })
  const backend = new FsBackend(folder)
  const store = await openCheckpointStore({ backend, layout: "directory", ownsBackend: true })
  const close = () => store.close()
  return { url: `file:${folder}`, name: "orders", layout: "directory", prefix: "", store, backend, close }
}

const views = ["", "state", "sources", "c/8", "c/10", "diff?a=4&b=12", "verify", "prune?last=4&every=7"]

// Chromium comes from Debian, or CKPT_TEST_CHROMIUM names one; without it nothing draws the page. In CI a skipped test is a failure.
describe.skipIf(executablePath === undefined)("in a browser", () => {
  const { visit } = useBrowser()

  test("the timeline shows a damaged checkpoint as damaged, in the table and in the chart", async () => {
    const page = await visit(await serve([await ordersStore()]), "/s/orders/")
    const row = page.locator("tr", { has: page.locator("a", { hasText: /^51$/ }) })
    expect(await row.locator(".kind").innerText()).toMatch(/^\s*damaged$/)
    expect(await row.locator(".problem").innerText()).toMatch(/^manifest-checksum/)
    expect(await page.locator(".fact.bad").innerText()).toMatch(/^Damaged\s+1/)
    expect(await coloured(page, "size", "--damaged")).toBeGreaterThan(10)
    expect(await coloured(page, "size", "--pinned")).toBeGreaterThan(10)
    expect(await page.locator(".fact.main").innerText()).toMatch(/Recovery takes\s+60/)
  })

  test("a click verifies every byte, and what is found appears where the reader is", async () => {
    const page = await visit(await serve([await ordersStore()]), "/s/orders/c/44")
    expect(await page.locator("#kind").innerText()).toContain("unverified")
    await page.getByRole("button", { name: "Verify every byte" }).click()
    await page.locator("#kind .damaged").first().waitFor()
    expect(await page.locator(".job .verdict").innerText()).toMatch(/1 damaged/)
    expect(await page.locator("#issues").innerText()).toContain("state-checksum")
    await page.goto(page.url().replace(/c\/44.*/, ""))
    await drawn(page)
    expect(await page.locator("tr.damaged").count()).toBe(2)
  })

  test("a whole verification is followed to its end", async () => {
    const page = await visit(await serve([await ordersStore()]), "/s/orders/verify")
    await page.getByLabel("all", { exact: true }).check()
    await page.getByRole("button", { name: "Verify", exact: true }).click()
    await page.locator(".job.done").waitFor()
    expect(await page.locator(".job .verdict").innerText()).toMatch(/^\s*2 damaged 60 checkpoints$/)
    expect(await page.locator(".job progress").evaluate((bar: HTMLProgressElement) => bar.value / bar.max)).toBe(1)
    await page.locator("#table a", { hasText: "1" }).click()
    expect(await page.locator("h1").innerText()).toBe("Verification 1 of orders")
  })

  test("what is saved, while the page is open, appears in it", async () => {
    const opened = await memoryStore("job")
    await writeJob(opened.store, { checkpoints: 3, startMs, mostBytes: 2_000 })
    const page = await visit(await serve([opened]), "/s/job/")
    expect(await page.locator("#live").innerText()).toBe("live")
    await opened.store.saveNext({ labels: { release: "4.3" } })
    await page.locator("#checkpoints a", { hasText: /^4$/ }).waitFor()
    expect(await page.locator(".fact.main").innerText()).toMatch(/Recovery takes\s+4/)
  })

  test("a chart whose data cannot be had says why, with what to do, beside the rest of the page", async () => {
    const backend = new MemoryBackend()
    const opened = await memoryStore("job", { backend })
    await writeJob(opened.store, { checkpoints: 3, startMs, mostBytes: 2_000 })
    const served = await serve([opened])
    await listed(served)
    backend.get = async () => {
      throw new BackendError("denied", "the key was revoked")
    }
    const page = await visit(served, "/s/job/sources", { isRefused: true, withoutCharts: true })
    const said = page.locator(".charts .failed")
    await said.waitFor()
    expect(await said.innerText()).toMatch(
      /^The chart cannot be drawn: CKPT_DENIED: .*the key was revoked.* Give this process credentials/s,
    )
    expect(await page.locator(".fact.main").innerText()).toMatch(/Recovery takes\s+3/)
  })

  test("names that a job chose are text and nothing else, on every view", async () => {
    const opened = await memoryStore("hostile")
    const { store } = opened
    for (let at = 0; at < 3; at++) {
      const all = Object.fromEntries(hostileNames.map((name) => [name, name]))
      const offsets = Object.fromEntries(
        hostileNames.map((name, index) => [
          name,
          { epoch: 1, offsets: { [name]: String(at * 100 + index), "0": String(at) } },
        ]),
      )
      const failed = Object.fromEntries(
        hostileNames.map((name) => [name, { status: "failed" as const, message: name }]),
      )
      await store.saveNext(
        {
          sourceOffsets: offsets,
          sinkCommitStatuses: failed,
          sinkNames: hostileNames.toSorted(),
          labels: shortOnes(all),
        },
        { operators: Object.fromEntries(hostileNames.map((name, index) => [name, Buffer.alloc(100 * (index + at))])) },
      )
    }
    const served = await serve([opened, await memoryStore("<img src=x onerror=window.pwned=1>")], { allowWrites: true })
    for (const path of ["", "state", "sources", "c/3", "diff?a=1&b=3", "verify", "prune?last=1", "../../"]) {
      const page = await visit(served, `/s/hostile/${path}`)
      const found = await page.evaluate(() => ({
        pwned: "pwned" in window,
        images: [...document.images].filter((one) => !one.src.includes("/assets/")).length,
        scripts: [...document.scripts].filter((one) => one.src === "" || !one.src.includes("/assets/")).length,
        handlers: document.querySelectorAll("[onerror], [onload], [onclick]").length,
        // Neither a long name nor one that turns the direction moves what stands beside it.
        wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
        unseen: /[\u202a-\u202e\u2066-\u2069\u0000-\u0008]/.test(document.body.innerText),
      }))
      expect([path, found]).toEqual([
        path,
        { pwned: false, images: 0, scripts: 0, handlers: 0, wide: 0, unseen: false },
      ])
      await page.close()
    }
    const page = await visit(served, "/s/hostile/c/3")
    const text = await page.locator("main").innerText()
    for (const seen of ["<script>window.pwned=1</script>", "🦀", "\\u202e", "שלום"]) expect(text).toContain(seen)
  })

  // Fourteen audits: a minute on a busy machine.
  const audits = { timeout: 240_000 }
  test.each(["light", "dark"] as const)("axe finds nothing to complain about, any view, %s", audits, async (scheme) => {
    const served = await serve([await ordersStore("small"), await memoryStore("empty")], { allowWrites: true })
    const found: string[] = []
    const axe = await readFile(require.resolve("axe-core/axe.min.js"), "utf8")
    for (const path of [
      ...views.map((view) => `/s/orders/${view}`),
      "/",
      "/s/empty/",
      "/s/orders/c/99",
      "/s/orders/?show=damaged",
    ]) {
      const page = await visit(served, path, { scheme, isRefused: path.endsWith("99") })
      found.push(...(await violations(page, axe)).map((one) => `${path}: ${one}`))
      await page.close()
    }
    expect(found).toEqual([])
    // Whoever has no token sees a page, too.
    const other = await serve([await memoryStore("orders")])
    const refused = await visit(other, "/", { scheme, isRefused: true, withoutToken: true })
    expect(await refused.locator("h1").innerText()).toBe("This page needs its token")
    expect(await violations(refused, axe)).toEqual([])
    const page = await visit(served, "/s/orders/", { scheme })
    await page.keyboard.press("?")
    expect(await violations(page, axe)).toEqual([])
  })

  test("everything can be done by keyboard alone", async () => {
    const page = await visit(await serve([await ordersStore()]), "/s/orders/")
    const focused = () => page.evaluate(() => document.activeElement?.textContent?.trim() ?? "")
    await page.keyboard.press("Tab")
    expect(await focused()).toBe("Skip to the content")
    // The table.
    for (const key of ["j", "j", "k", "j", "Enter"]) await page.keyboard.press(key)
    await page.waitForURL("**/c/59")
    await page.keyboard.press("[")
    await page.waitForURL("**/c/58")
    await page.keyboard.press("d")
    await page.waitForURL("**/diff?a=57&b=58")
    await page.keyboard.press("/")
    await page.keyboard.type("before-upgrade")
    await page.keyboard.press("Enter")
    await page.waitForURL("**/c/20")
    await page.keyboard.press("v")
    await page.locator("#kind .valid").first().waitFor()
    await page.keyboard.press("t")
    await page.waitForURL("**/s/orders/")
    await drawn(page)
    // The chart: from the latest one back, the damaged one is told as such; Enter opens it.
    await page.locator(".plot").first().focus()
    for (let at = 0; at < 9; at++) await page.keyboard.press("ArrowLeft")
    expect(await page.locator(".readout").first().innerText()).toMatch(/^51 · damaged · /)
    await page.keyboard.press("+")
    await page.waitForFunction(() => location.search.includes("from="))
    await page.keyboard.press("Enter")
    await page.waitForURL("**/c/51")
    await page.keyboard.press("p")
    await page.waitForURL("**/prune")
    await page.getByLabel("The latest").focus()
    await page.keyboard.type("5")
    await page.keyboard.press("Enter")
    await page.waitForURL("**/prune?last=5**")
    expect(await page.locator("#preview h2").innerText()).toMatch(/would go/)
  })

  test("the span that a chart shows stands in the URL, and goes along to the other views", async () => {
    const page = await visit(await serve([await ordersStore()]), "/s/orders/")
    const box = (await page.locator(".u-over").first().boundingBox())!
    await page.mouse.move(box.x + box.width / 2, box.y + 40)
    await page.keyboard.down("Control")
    for (let at = 0; at < 6; at++) await page.mouse.wheel(0, -100)
    await page.keyboard.up("Control")
    await page.waitForFunction(() => location.search.includes("from="))
    await page.mouse.down()
    await page.mouse.move(box.x + box.width / 2 + 200, box.y + 40, { steps: 4 })
    await page.mouse.up()
    const panned = new URL(page.url()).searchParams
    await page.waitForFunction((from) => new URLSearchParams(location.search).get("from") !== from, panned.get("from"))
    const span = async () => new URL(page.url()).search
    const shown = await span()
    await page.getByRole("link", { name: "State", exact: true }).click()
    await page.waitForURL("**/state?**")
    await drawn(page)
    expect(await span()).toBe(shown)
    await page.locator(".u-over").dblclick()
    await page.waitForFunction(() => location.search === "")
  })

  test("times are those of the reader's zone, with UTC in the title; a button shows UTC", async () => {
    const page = await visit(await serve([await ordersStore()]), "/s/orders/c/1")
    const time = page.locator(".fact time").first()
    expect(await time.innerText()).toMatch(/^2026-01-05 03:00:0\d$/)
    expect(await time.getAttribute("title")).toMatch(/^2026-01-05 08:00:0\d UTC$/)
    await page.getByRole("button", { name: "America/New_York" }).click()
    expect(await time.innerText()).toMatch(/^2026-01-05 08:00:0\d$/)
  })

  test("the chosen theme is there from the first paint of the next page", async () => {
    const served = await serve([await ordersStore()])
    const page = await visit(served, "/s/orders/")
    const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor)
    const light = await ground()
    await page.getByRole("button", { name: "Auto" }).click()
    await page.getByRole("button", { name: "Light" }).click()
    const dark = await ground()
    expect(dark).not.toBe(light)
    await page.goto(`${served.origin}/s/orders/prune`)
    expect(await ground()).toBe(dark)
    expect(await page.evaluate(() => document.documentElement.dataset["theme"])).toBe("dark")
  })

  test("the chosen theme stands above that of the system, in the charts too", async () => {
    const served = await serve([await ordersStore()])
    const seen: Record<string, string> = {}
    for (const [system, other] of [
      ["light", "dark"],
      ["dark", "light"],
    ] as const) {
      const page = await visit(served, "/s/orders/", { scheme: system })
      const button = page.locator("[data-does=theme]")
      const choose = async (name: string) => {
        while ((await button.innerText()).toLowerCase() !== name) await button.click()
        await expect.poll(() => coloured(page, "size", "--damaged")).toBeGreaterThan(10)
        return page.evaluate(() => getComputedStyle(document.documentElement).getPropertyValue("--damaged"))
      }
      seen[`${other}, chosen`] = await choose(other)
      // The last choice goes along to the next visit.
      seen[`${system}, of the system`] = await choose("auto")
    }
    expect(seen["dark, chosen"]).not.toBe(seen["light, chosen"])
    for (const scheme of ["light", "dark"]) expect(seen[`${scheme}, chosen`]).toBe(seen[`${scheme}, of the system`])
  })

  test("a view is few requests and few bytes, and nothing of it moves", async () => {
    const served = await serve([await ordersStore()])
    const warm = await visit(served, "/s/orders/")
    await warm.close()
    const page = await visit(served, "/s/orders/prune")
    let requests = 0
    let bytes = 0
    page.on("requestfinished", async (request) => {
      requests++
      bytes += (await request.sizes()).responseBodySize
    })
    await page.goto(`${served.origin}/s/orders/`)
    await drawn(page)
    const moved = await page.evaluate(
      () =>
        new Promise<number>((resolve) => {
          let sum = 0
          new PerformanceObserver((list) => {
            for (const one of list.getEntries()) sum += (one as unknown as { value: number }).value
          }).observe({ type: "layout-shift", buffered: true })
          requestAnimationFrame(() => setTimeout(() => resolve(sum)))
        }),
    )
    expect(moved).toBeLessThan(0.01)
    expect(requests).toBeLessThanOrEqual(9)
    expect(bytes).toBeLessThan(200_000)
  })

  test("a page elsewhere can neither send a form nor read anything, though the browser has the token", async () => {
    const served = await servePage([await ordersStore()], { port: 0, token, allowWrites: true })
    onTestFinished(() => served.close())
    const page = await visit(served, "/s/orders/")
    const elsewhere = createServer((_, answer) => {
      answer
        .setHeader("Content-Type", "text/html")
        .end(`<form method="post" action="${served.origin}/s/orders/c/1/remove"><button>Win a prize</button></form>`)
    }).listen(0, "127.0.0.1")
    onTestFinished(() => void elsewhere.close())
    await once(elsewhere, "listening")
    const attacker = await page.context().newPage()
    await attacker.goto(`http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/`)
    const read = await attacker.evaluate(
      (url) =>
        fetch(url, { credentials: "include" }).then(
          () => "read",
          () => "refused",
        ),
      `${served.origin}/s/orders/data/timeline`,
    )
    expect(read).toBe("refused")
    const sent = attacker.waitForResponse((response) => response.url().endsWith("/remove"))
    await attacker.getByRole("button").click()
    expect((await sent).status()).toBe(403)
    await attacker.close()
    await page.reload()
    expect(await page.locator(".fact", { hasText: "Checkpoints" }).innerText()).toMatch(/60/)
  })
})

/** How many pixels of a chart have a colour of the style sheet. */
function coloured(page: Page, chart: string, name: string): Promise<number> {
  return page.evaluate(
    ([chart, name]) => {
      const canvas = document.querySelector<HTMLCanvasElement>(`figure[data-name=${chart}] canvas`)
      const wanted = getComputedStyle(document.documentElement)
        .getPropertyValue(name as string)
        .trim()
      // A registered property has the form `rgb(15, 118, 110)`.
      const [r, g, b] = (wanted.match(/\d+/g) ?? []).map(Number)
      const { data } = canvas!.getContext("2d")!.getImageData(0, 0, canvas!.width, canvas!.height)
      let count = 0
      for (let at = 0; at < data.length; at += 4)
        if (data[at] === r && data[at + 1] === g && data[at + 2] === b) count++
      return count
    },
    [chart, name],
  )
}

async function violations(page: Page, axe: string): Promise<string[]> {
  await page.evaluate(axe)
  return page.evaluate(async () => {
    const { axe } = window as unknown as {
      axe: { run(): Promise<{ violations: { id: string; nodes: { html: string; failureSummary: string }[] }[] }> }
    }
    const { violations } = await axe.run()
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 120)} ${failureSummary}`),
    )
  })
}

/** A label has at most 1,024 bytes, and its name 128. */
function shortOnes(all: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(all).filter(([name]) => Buffer.byteLength(name) <= 128))
}
