import { invalid } from "../errors.js"

/** As the service builds it: base64 of a protobuf message with the last name (or prefix) of the page before. */
export function pageTokenAfter(last: string): string {
  const name = Buffer.from(last)
  const length = name.length < 128 ? [name.length] : [(name.length & 127) | 128, name.length >> 7]
  return Buffer.concat([Buffer.from([0x0a, ...length]), name]).toString("base64")
}

/** @throws {ServiceError} 400 for a token that this server did not give out */
export function readPageToken(token: string): string {
  const bytes = Buffer.from(token, "base64")
  const long = ((bytes[1] ?? 0) & 128) !== 0
  const length = long ? ((bytes[1] ?? 0) & 127) | ((bytes[2] ?? 0) << 7) : (bytes[1] ?? 0)
  const name = bytes.subarray(long ? 3 : 2)
  if (bytes[0] !== 0x0a || name.length !== length || length === 0) throw invalid(`Invalid page token: ${token}`)
  return name.toString()
}
