import type { Terminal } from "./terminal.js"
import { clean, cut, widthOf } from "./text.js"

/** Writes names and values, one pair a line, the values below each other. An empty value is left out. */
export async function printFacts(
  terminal: Terminal,
  facts: readonly (readonly [name: string, value: string])[],
  indent = "",
): Promise<void> {
  const shown = facts.filter(([, value]) => value !== "")
  const names = shown.map(([name]) => cut(clean(name), 40))
  const width = names.reduce((widest, name) => Math.max(widest, widthOf(name)), 0)
  const left = terminal.width - width - indent.length - 2
  const lines = shown.map(([, value], at) => {
    const name = names[at] ?? ""
    const space = " ".repeat(width - widthOf(name) + 2)
    return `${indent}${name}${space}${cut(clean(value), Math.max(left, 20))}`
  })
  await terminal.print(...lines)
}
