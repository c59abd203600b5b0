/** What callers give: checked, and shown in the message of a refusal. Knows nothing of checkpoints. */

/** A string for a message: quoted, and cut after 64 characters. */
export function quote(text: string): string {
  return text.length <= 64 ? JSON.stringify(text) : `${JSON.stringify(text.slice(0, 64))}…`
}

/** A value for a message, with its type: `the string "3"`, `a Map`, `undefined`. */
export function show(value: unknown): string {
  if (typeof value === "string") return `the string ${quote(value)}`
  if (typeof value === "bigint") return `the bigint ${value.toString().slice(0, 64)}n`
  if (typeof value === "number") return `the number ${value}`
  if (typeof value === "function") return isClass(value) ? `the class ${value.name}` : "a function"
  if (typeof value === "symbol") return "a symbol"
  if (typeof value !== "object" || value === null) return String(value)
  if (Array.isArray(value)) return "an array"
  const name = nameOf(value)
  if (name === "Object") return "a plain object"
  return `${/^[AEIO]/.test(name) ? "an" : "a"} ${name}`
}

export function isClass(value: unknown): value is abstract new (...given: never[]) => object {
  return typeof value === "function" && /^class\b/.test(Function.prototype.toString.call(value))
}

/** The tag names what is built in, such as a generator, also if it is of another realm. */
function nameOf(value: object): string {
  const tag = Object.prototype.toString.call(value).slice("[object ".length, -1)
  if (tag !== "Object") return tag
  const made = (value as { constructor?: { name?: unknown } }).constructor?.name
  return typeof made === "string" && made !== "" ? made : "Object"
}

/** "a", "a and b", "a, b and c". */
export function listed(names: readonly string[], and = "and"): string {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} ${and} ${names.at(-1)}`
}

const mostShown = 20

/** Names that a user gave, as {@link listed}: 20 of them, and how many more there are. */
export function shown(names: readonly string[]): string {
  if (names.length <= mostShown) return listed(names)
  return listed([...names.slice(0, mostShown), `${names.length - mostShown} more`])
}

/** With its full stop, unless it is a question. */
export function sentence(text: string): string {
  return text.endsWith("?") ? text : `${text}.`
}
