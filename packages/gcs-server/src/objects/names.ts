import { invalid } from "../errors.js"

const loneSurrogate = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/

/**
 * The requirements of https://cloud.google.com/storage/docs/objects#naming.
 * @throws {ServiceError} 400 for a name that the service would not store
 */
export function checkObjectName(name: string): void {
  if (name === "") throw invalid("No object name")
  const bytes = Buffer.byteLength(name)
  if (bytes > 1024) {
    const shown = `${name.slice(0, 100)}...`
    throw invalid(`The maximum object length is 1024 characters, but got a name with ${bytes} characters: '${shown}'`)
  }
  if (/[\r\n]/.test(name) || loneSurrogate.test(name)) {
    throw invalid(`Disallowed unicode characters present in object name '${name}'`)
  }
  if (name === "." || name === ".." || name.startsWith(".well-known/acme-challenge/")) {
    throw invalid(`Invalid object name: '${name}'`)
  }
}

/**
 * The requirements of https://cloud.google.com/storage/docs/buckets#naming, but for the reserved words.
 * @throws {ServiceError} 400
 */
export function checkBucketName(name: string): void {
  const parts = name.split(".")
  const longest = parts.length > 1 ? 222 : 63
  const fits =
    name.length >= 3 &&
    name.length <= longest &&
    /^[a-z0-9][a-z0-9._-]*[a-z0-9]$/.test(name) &&
    parts.every((part) => part.length >= 1 && part.length <= 63) &&
    !/^\d+\.\d+\.\d+\.\d+$/.test(name)
  if (!fits) throw invalid(`Invalid bucket name: '${name}'`)
}
