/** The version of all shapes of `--json`. */
const shapesVersion = 1

/**
 * One object of an answer. Dates are ISO 8601 in UTC; a bigint is its digits as text. What a terminal would obey is escaped: JSON
 * itself asks that only of some characters.
 */
export function jsonLine(type: string, fields: object): string {
  const text = JSON.stringify({ v: shapesVersion, type, ...fields }, (_key, value: unknown) =>
    typeof value === "bigint" ? String(value) : value,
  )
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    character
      .split("")
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join(""),
  )
}
