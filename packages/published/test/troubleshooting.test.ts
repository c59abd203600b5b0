// Each code of an error, and each event, has an entry in docs/troubleshooting.md, and the page names no others.
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { repository } from "./public-packages.js"

const page = readFileSync(join(repository, "docs/troubleshooting.md"), "utf8")
const source = (file: string) => readFileSync(join(repository, "packages/core/src", file), "utf8")
const found = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, name = ""]) => name)

test("every code has an entry that says what it is and what to do", () => {
  const codes = found(source("errors.ts"), /^ {2}\| "(CKPT_[A-Z_]+)"$/gm)
  expect(codes.length).toBeGreaterThan(10)
  expect(found(page, /^### (CKPT_[A-Z_]+)$/gm).sort()).toEqual(codes.sort())
  for (const entry of page.split("\n## ")[1]?.split("\n### ").slice(1) ?? []) {
    expect(entry).toContain("**What**")
    expect(entry).toContain("**What to do**")
  }
})

test("every event is named, and no other", () => {
  const events = found(source("events.ts"), /^ {6}type: "([a-z-]+)"$/gm)
  expect(events.length).toBeGreaterThan(15)
  const [, section = ""] = page.split("## Events that somebody should see\n")
  const named = found(section, /`([a-z]+(?:-[a-z]+)*)`/g).filter((name) => name !== "retryable")
  expect([...new Set(named)].sort()).toEqual([...new Set(events)].sort())
})
