/**
 * Damage that knows the structure of JSON. Every place and every choice is an index, taken modulo what there is: so a failure shrinks
 * to the first place and the first choice that show it.
 */

import { createHash } from "node:crypto"
import fc from "fast-check"
import { isJsonNumber, isJsonObject, type JsonValue, parseJson } from "../../src/format/json.js"

/** A JSON document that may hold what JSON forbids: keys twice, and any token as a value. Keys and values are tokens. */
type Node = ObjectNode | ArrayNode | { readonly kind: "token"; text: string }
interface ObjectNode {
  readonly kind: "object"
  readonly members: { key: string; value: Node }[]
}
interface ArrayNode {
  readonly kind: "array"
  readonly items: Node[]
}

export interface Mutation {
  /** Index into the names of {@link kinds}. */
  readonly kind: number
  readonly place: number
  readonly other: number
  readonly choice: number
}

// ---- documents

function nodeOf(value: JsonValue): Node {
  if (isJsonObject(value)) {
    return {
      kind: "object",
      members: [...value].map(([key, one]) => ({ key: JSON.stringify(key), value: nodeOf(one) })),
    }
  }
  if (Array.isArray(value)) return { kind: "array", items: (value as readonly JsonValue[]).map(nodeOf) }
  return { kind: "token", text: isJsonNumber(value) ? value.number : JSON.stringify(value) }
}

/** As serde_json's `to_string_pretty` does: a document without damage is printed as it was. */
function print(node: Node, indent = "\n"): string {
  if (node.kind === "token") return node.text
  const inner = `${indent}  `
  const [open, close, parts] =
    node.kind === "array"
      ? ["[", "]", node.items.map((item) => print(item, inner))]
      : ["{", "}", node.members.map(({ key, value }) => `${key}: ${print(value, inner)}`)]
  return parts.length === 0 ? open + close : `${open}${inner}${parts.join(`,${inner}`)}${indent}${close}`
}

/** All containers, outermost first. */
function containers(node: Node): (ObjectNode | ArrayNode)[] {
  if (node.kind === "token") return []
  const inner = node.kind === "array" ? node.items : node.members.map(({ value }) => value)
  return [node, ...inner.flatMap(containers)]
}

interface Slot {
  get(): Node
  set(value: Node): void
}

/** The places of all values below the root. */
function slots(root: Node): Slot[] {
  return containers(root).flatMap((one): Slot[] =>
    one.kind === "array"
      ? one.items.map((_, at) => ({
          get: () => one.items[at] as Node,
          set: (value) => {
            one.items[at] = value
          },
        }))
      : one.members.map((member) => ({
          get: () => member.value,
          set: (value) => {
            member.value = value
          },
        })),
  )
}

const at = <T>(all: readonly T[], place: number): T | undefined => all[place % Math.max(1, all.length)]
const token = (text: string): Node => ({ kind: "token", text })

/** Every member of every object, with its list. */
const membersOf = (root: Node) =>
  containers(root).flatMap((one) =>
    one.kind === "object" ? one.members.map((member) => ({ list: one.members, member })) : [],
  )

/** The places of values that are strings, or numbers. */
const tokensOf = (root: Node, isWanted: (text: string) => boolean): Slot[] =>
  slots(root).filter((slot) => {
    const node = slot.get()
    return node.kind === "token" && isWanted(node.text)
  })
const textOf = (slot: Slot): string => (slot.get() as { text: string }).text
const isNumber = (text: string) => /^-?\d/.test(text)
const isString = (text: string) => text.startsWith('"')

// ---- the kinds of damage

type Structural = (root: Node, mutation: Mutation) => void

const names = [
  "manifest_checksum",
  "state_checksum",
  "state_size",
  "writer",
  "version",
  "epoch",
  "__proto__",
  "constructor",
  "",
]
const oneCharacter = ["x", "é", "_", "\\u0000", "A", "", "🦀"]
const types = ["null", "true", "false", '""', "0", "[]", "{}", '"0"', '"Pending"', "[null]", '{"a":1}', '{"Failed":1}']
const numbers = [
  ...["0", "-1", "-0", "1.0", "0.5", "1e3", "1E+2", "9007199254740991", "9007199254740992", "9007199254740993"],
  ...["9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809"],
  ...["18446744073709551615", "18446744073709551616", "65535", "65536", "4294967295", "4294967296", "9".repeat(400)],
  ...["1e999", "-1e999", "01", "+1", ".5", "1.", "NaN", "Infinity", "-", "0x10", "1n"],
]
/** What is put into a string, by its token. */
const oddities = [
  "\\ud83e",
  "\\udd80",
  "\\u0000",
  "\\u200b",
  "\\ufeff",
  "\ufeff",
  "e\u0301",
  "\u00e9",
  "\u2028",
  "\\",
  "\u0001",
  "\uffff",
  "=",
  " ",
]

const structural: Record<string, Structural> = {
  "rename a field by one character": (root, { place, other, choice }) => {
    const found = at(membersOf(root), place)
    if (found === undefined) return
    const { key } = found.member
    const position = 1 + (other % Math.max(1, key.length - 2))
    found.member.key = key.slice(0, position) + at(oneCharacter, choice) + key.slice(position + 1)
  },
  "give a field the name of another": (root, { place, choice }) => {
    const found = at(membersOf(root), place)
    if (found !== undefined) found.member.key = JSON.stringify(at(names, choice))
  },
  "spell a name with an escape": (root, { place }) => {
    const found = at(membersOf(root), place)
    if (found === undefined) return
    const code = found.member.key.charCodeAt(1).toString(16).padStart(4, "0")
    found.member.key = `"\\u${code}${found.member.key.slice(2)}`
  },
  "drop a field": (root, { place }) => {
    const found = at(membersOf(root), place)
    if (found !== undefined) found.list.splice(found.list.indexOf(found.member), 1)
  },
  "write a field twice": (root, { place, other }) => {
    const found = at(membersOf(root), place)
    if (found !== undefined) found.list.splice(other % (found.list.length + 1), 0, structuredClone(found.member))
  },
  "move a field": (root, { place, other, choice }) => {
    const found = at(membersOf(root), place)
    if (found === undefined) return
    found.list.splice(found.list.indexOf(found.member), 1)
    const into = at(
      containers(root).flatMap((one) => (one.kind === "object" ? [one.members] : [])),
      other,
    )
    into?.splice(choice % (into.length + 1), 0, found.member)
  },
  "swap two values": (root, { place, other }) => {
    const all = slots(root)
    const [one, two] = [at(all, place), at(all, other)]
    if (one === undefined || two === undefined) return
    const [a, b] = [one.get(), two.get()]
    // A value that holds the other would hold itself.
    if (containers(a).includes(b as never) || containers(b).includes(a as never)) return
    one.set(b)
    two.set(a)
  },
  "change a type": (root, { place, choice }) => {
    at(slots(root), place)?.set(token(at(types, choice) as string))
  },
  "change a number": (root, { place, choice }) => {
    at(tokensOf(root, isNumber), place)?.set(token(at(numbers, choice) as string))
  },
  "put a number between quotes, or take them away": (root, { place }) => {
    const slot = at(
      tokensOf(root, (text) => isNumber(text) || isString(text)),
      place,
    )
    if (slot === undefined) return
    const text = textOf(slot)
    slot.set(token(isNumber(text) ? `"${text}"` : text.slice(1, -1)))
  },
  "truncate a list or an object": (root, { place, other }) => {
    const one = at(containers(root), place)
    const list = one === undefined ? [] : one.kind === "array" ? one.items : one.members
    list.length = other % (list.length + 1)
  },
  "make a text upper-case": (root, { place }) => {
    const slot = at(tokensOf(root, isString), place)
    slot?.set(token(textOf(slot).toUpperCase()))
  },
  "shorten or lengthen a text": (root, { place, other, choice }) => {
    const slot = at(tokensOf(root, isString), place)
    if (slot === undefined) return
    const text = textOf(slot)
    const cut = 1 + (other % Math.max(1, text.length - 1))
    slot.set(token(choice % 2 === 0 ? `${text.slice(0, cut)}"` : `${text.slice(0, -1)}${text.slice(1)}`))
  },
  "put an odd character into a text or a name": (root, { place, other, choice }) => {
    const texts = tokensOf(root, isString)
    const members = membersOf(root)
    const all = [...texts.map((slot) => ({ slot })), ...members]
    const found = at(all, place)
    if (found === undefined) return
    const text = "slot" in found ? textOf(found.slot) : found.member.key
    const position = 1 + (other % Math.max(1, text.length - 1))
    const odd = text.slice(0, position) + at(oddities, choice) + text.slice(position)
    if ("slot" in found) found.slot.set(token(odd))
    else found.member.key = odd
  },
  "nest a value": (root, { place, choice }) => {
    const slot = at(slots(root), place)
    if (slot === undefined) return
    const depth = at([1, 2, 100, 126, 127, 128, 5_000], choice) as number
    const text = print(slot.get(), " ")
    slot.set(
      token(
        choice % 2 === 0
          ? "[".repeat(depth) + text + "]".repeat(depth)
          : '{"a":'.repeat(depth) + text + "}".repeat(depth),
      ),
    )
  },
}

const ofBytes: Record<string, (bytes: Buffer, mutation: Mutation) => Buffer> = {
  "flip a bit": (bytes, { place, choice }) => {
    const position = place % Math.max(1, bytes.length)
    bytes[position] = (bytes[position] ?? 0) ^ (1 << (choice & 7))
    return bytes
  },
  "cut the end": (bytes, { place }) => bytes.subarray(0, place % (bytes.length + 1)),
  "write zeros": (bytes, { place, other }) => {
    bytes
      .subarray(place % bytes.length)
      .subarray(0, 1 + (other % 64))
      .fill(0)
    return bytes
  },
  "drop bytes": (bytes, { place, other }) => {
    const position = place % bytes.length
    return Buffer.concat([bytes.subarray(0, position), bytes.subarray(position + 1 + (other % 64))])
  },
  "write bytes twice": (bytes, { place, other }) => {
    const end = (place % bytes.length) + 1 + (other % 64)
    return Buffer.concat([bytes.subarray(0, end), bytes.subarray(place % bytes.length)])
  },
  "put a byte in": (bytes, { place, choice }) => {
    const position = place % (bytes.length + 1)
    return Buffer.concat([bytes.subarray(0, position), Buffer.from([choice & 0xff]), bytes.subarray(position)])
  },
}

export const kinds: readonly string[] = [...Object.keys(structural), ...Object.keys(ofBytes)]
const index = fc.nat(100_000)
/** Up to three of them, of any kinds. */
export const mutations: fc.Arbitrary<Mutation[]> = fc.array(
  fc.record({ kind: fc.nat(kinds.length - 1), place: index, other: index, choice: index }),
  { minLength: 1, maxLength: 3 },
)
export const kindOf = ({ kind }: Mutation): string => at(kinds, kind) as string

/** The document with the damage: that of its structure first, then that of its bytes. `reseal` gives it the checksum that fits. */
export function mutated(text: string, all: readonly Mutation[], reseal = false): Uint8Array {
  const root = nodeOf(parseJson(text))
  for (const mutation of all) structural[kindOf(mutation)]?.(root, mutation)
  let bytes: Buffer = Buffer.from(reseal ? sealed(root) : print(root))
  for (const mutation of all) if (bytes.length > 0) bytes = ofBytes[kindOf(mutation)]?.(bytes, mutation) ?? bytes
  return new Uint8Array(bytes)
}

function sealed(root: Node): string {
  if (root.kind !== "object") return print(root)
  const members = root.members.filter(({ key }) => key !== '"manifest_checksum"')
  const covered = print({ kind: "object", members }).slice(0, -2)
  return `${covered},\n  "manifest_checksum": "${createHash("sha256").update(covered).digest("hex")}"\n}`
}

/** True if the last field is the checksum of all bytes before it. Found without the decoder. */
export function hasItsChecksum(bytes: Uint8Array): boolean {
  const tail = /,\n {2}"manifest_checksum": "([0-9a-f]{64})"\n\}$/.exec(Buffer.from(bytes).toString("latin1"))
  return tail !== null && createHash("sha256").update(bytes.subarray(0, tail.index)).digest("hex") === tail[1]
}
