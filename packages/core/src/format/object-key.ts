import { whyNotAPath } from "./layout.js"

// Every backend has keys of this length, and names of this length in them.
const mostKeyBytes = 740
const mostNameBytes = 240

/**
 * The names that this library makes beside the objects: probes, and on a filesystem claims, temporary names and a spare file. Upper
 * and lower case are the same on some filesystems.
 */
const reserved = /^\.(?:ckpt-|claims$|(?:tmp|stage|latest|writer)-)/i

/**
 * Why a text cannot be the key of an object, behind a prefix that is in its canonical form; `undefined` if it can. What one storage
 * lacks is refused on all: a program that works on one works on the others.
 */
export function whyNotAKey(prefix: string, key: string): string | undefined {
  if (key === "") return "it is empty"
  if (key.endsWith("/")) return 'it ends with "/"'
  if (/[\u{10000}-\u{10ffff}]/u.test(key)) return "it has a character above U+FFFF, and storages differ in its order"
  const why = whyNotAPath(key)
  if (why !== undefined) return why
  const bytes = Buffer.byteLength(prefix) + Buffer.byteLength(key)
  if (bytes > mostKeyBytes) return `with the prefix it has ${bytes} bytes; ${mostKeyBytes} can be used`
  const names = key.split("/")
  const own = names.find((name) => reserved.test(name))
  if (own !== undefined) return `names such as "${own}" belong to the library`
  const long = names.find((name) => Buffer.byteLength(name) > mostNameBytes)
  return long && `it has a name of ${Buffer.byteLength(long)} bytes between its slashes; ${mostNameBytes} can be used`
}

/** Why a text cannot be how a key begins. */
export function whyNotABeginning(prefix: string, text: string): string | undefined {
  if (text === "" || whyNotAKey(prefix, text) === undefined) return undefined
  return whyNotAKey(prefix, `${text}x`)
}
