import stringWidth from "string-width"

/**
 * Text of others, such as a name in a manifest, as a terminal may get it: what would move the cursor, change a colour or turn the
 * direction of reading is spelled out (`\x1b`, `\u202e`). The joiner within emoji stays.
 */
export function clean(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) => {
    if (character === "\u200d") return character
    const code = character.codePointAt(0) as number
    if (code < 0x100) return `\\x${code.toString(16).padStart(2, "0")}`
    return code < 0x10000 ? `\\u${code.toString(16).padStart(4, "0")}` : `\\u{${code.toString(16)}}`
  })
}

/** {@link clean} of each line. */
export function cleanLines(text: string): string {
  return text.split("\n").map(clean).join("\n")
}

/** Columns of a terminal that a text takes. */
export function widthOf(text: string): number {
  return stringWidth(text)
}

const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" })

/** The text, cut to a width, with "…" where something is left out. */
export function cut(text: string, width: number): string {
  // A name may have 10 kB, and marks that take no column: no more than eight units a column are looked at.
  const looked = text.slice(0, 8 * width)
  if (looked.length === text.length && widthOf(text) <= width) return text
  let shown = ""
  let left = width - 1
  for (const { segment } of segmenter.segment(looked)) {
    left -= widthOf(segment)
    if (left < 0) break
    shown += segment
  }
  return `${shown}…`
}

/** A time as people compare it with their logs: UTC, to the second. */
export function timeText(time: Date | number): string {
  const date = new Date(time)
  return Number.isNaN(date.getTime())
    ? "no date"
    : date
        .toISOString()
        .replace("T", " ")
        .replace(/\.\d+Z$/, "Z")
}

/** `1 checkpoint`, `2 checkpoints`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
