import { invalid } from "../errors.js"

/** The wanted part of a response: for each field the mask below it, or `true` for all of it. `*` is any field. */
type Mask = Map<string, Mask | true>

/**
 * A partial response, by a mask like `nextPageToken,items(name,size,metadata/owner)`. As by the service, other
 * fields are left out. Example: a client that does not ask for `nextPageToken` gets one page.
 * @throws {ServiceError} 400 for a mask that cannot be read
 */
export function selectFields(body: Record<string, unknown>, fields: string | null): Record<string, unknown> {
  if (fields === null || fields === "") return body
  const tokens = fields.match(/[A-Za-z0-9_.-]+|[*,()/]/g) ?? []
  if (tokens.join("") !== fields.replace(/\s/g, "")) throw badMask(fields)
  const mask = readMask(tokens, fields)
  if (tokens.length > 0) throw badMask(fields)
  return select(body, mask) as Record<string, unknown>
}

function readMask(tokens: string[], fields: string): Mask {
  const mask: Mask = new Map()
  do {
    const name = tokens.shift()
    if (name === undefined || /^[,()/]$/.test(name)) throw badMask(fields)
    mask.set(name, readBelow(tokens, fields))
  } while (tokens[0] === "," && tokens.shift())
  return mask
}

function readBelow(tokens: string[], fields: string): Mask | true {
  if (tokens[0] === "/") {
    tokens.shift()
    const name = tokens.shift()
    if (name === undefined || /^[,()/]$/.test(name)) throw badMask(fields)
    return new Map([[name, readBelow(tokens, fields)]])
  }
  if (tokens[0] !== "(") return true
  tokens.shift()
  const mask = readMask(tokens, fields)
  if (tokens.shift() !== ")") throw badMask(fields)
  return mask
}

function select(value: unknown, mask: Mask | true): unknown {
  if (mask === true || typeof value !== "object" || value === null) return value
  if (Array.isArray(value)) return value.map((one) => select(one, mask))
  const wanted = Object.entries(value).flatMap(([key, below]) => {
    const found = mask.get(key) ?? mask.get("*")
    return found === undefined ? [] : [[key, select(below, found)] as const]
  })
  return Object.fromEntries(wanted)
}

const badMask = (fields: string) => invalid(`Invalid field selection ${fields}`)
