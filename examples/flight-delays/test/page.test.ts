import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { openFsStore } from "@ckpt/fs"
import { expect, onTestFinished, test } from "vitest"
import { openPage } from "../src/page.js"

test("the page is there before the store is, and shows what is saved then", async () => {
  const folder = await mkdtemp(join(tmpdir(), "flight-delays-page-"))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const page = await openPage(join(folder, "killed", "store"))
  onTestFinished(() => page.end())
  const entry = await fetch(page.url, { redirect: "manual" })
  expect(entry.status).toBe(303)
  const cookie = String(entry.headers.get("set-cookie")).split(";")[0] ?? ""
  const shown = async () =>
    (await fetch(new URL("/s/store/", page.url), { headers: { cookie, accept: "text/html" } })).text()
  expect(await shown()).toContain("does not exist")
  await using store = await openFsStore(join(folder, "killed", "store"))
  await store.saveNext({})
  await expect.poll(shown, { timeout: 20_000 }).toMatch(/c\/1">1<\/a>/)
})
