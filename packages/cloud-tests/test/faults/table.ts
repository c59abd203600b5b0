import assert from "node:assert/strict"
import { readFile, writeFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"

/** Rows of a Markdown table, with columns as wide as they need to be. */
export function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const line = (cells: readonly string[]) => `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(" | ")} |`
  return [line(header), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n")
}

/**
 * The section between `<!-- name -->` and `<!-- /name -->` of a page of docs/ must be this text. With CKPT_UPDATE_DOCS=1 the
 * section is written instead.
 */
export async function assertDocumented(page: string, name: string, content: string): Promise<void> {
  const path = fileURLToPath(new URL(`../../../../docs/${page}`, import.meta.url))
  const text = await readFile(path, "utf8")
  const [start, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`]
  const [from, to] = [text.indexOf(start), text.indexOf(end)]
  assert.ok(from >= 0 && to > from, `docs/${page} has no section ${start}`)
  const wanted = `${start}\n\n${content}\n\n${end}`
  if (process.env["CKPT_UPDATE_DOCS"] === "1") {
    await writeFile(path, text.slice(0, from) + wanted + text.slice(to + end.length))
    return
  }
  assert.equal(
    text.slice(from, to + end.length),
    wanted,
    `docs/${page} says something else; after a change that is wanted: CKPT_UPDATE_DOCS=1 npm test -- vitest`,
  )
}
