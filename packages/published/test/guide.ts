import { readFileSync } from "node:fs"
import { join } from "node:path"
import { repository } from "./public-packages.js"

/** A block of code in a page. */
export interface Block {
  /** `js`, `ts`, `sh`, `text`, … */
  readonly language: string
  readonly text: string
  /** Where it begins in the page, from 1. */
  readonly line: number
}

/** The blocks of a page, in their order. */
export function blocksOf(page: string): readonly Block[] {
  const text = readFileSync(join(repository, page), "utf8")
  return [...text.matchAll(/^```([a-z]*)\n([\s\S]*?)^```$/gm)].map(({ index, 1: language = "", 2: block = "" }) => ({
    language,
    text: block,
    line: text.slice(0, index).split("\n").length,
  }))
}

/**
 * What a page says that a terminal shows, as a pattern for what it does show. A line `…` stands for any lines. What matches `varying`
 * may have other numbers.
 *
 * @param isOpen more lines may follow
 */
export function patternOf(shown: string, varying: RegExp, isOpen: boolean): RegExp {
  const lines = shown.trimEnd().split("\n")
  const patterns = lines.map((line) => {
    if (line === "…") return "(?:.*\\n)*?"
    const exact = `${line.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}\\n`
    return varying.test(line) ? exact.replace(/\d+/g, "\\d+") : exact
  })
  return new RegExp(`^${patterns.join("")}${isOpen ? "" : "$"}`)
}
