import { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"
import { slice } from "../content.js"
import { ServiceError } from "../errors.js"
import { etagOf, type StoredObject } from "../objects/stored-object.js"
import { type Call, header } from "./call.js"
import { readRange } from "./range.js"

/** Sends the bytes of an object, or the range that the call asks for. @throws {ServiceError} 416 */
export async function sendMedia(call: Call, object: StoredObject): Promise<void> {
  const { request, response } = call
  const { size } = object.content
  const range = readRange(header(call, "range"), size)
  if (range === "unsatisfiable") {
    const headers = { "content-range": `bytes */${size}` }
    throw new ServiceError(416, "requestedRangeNotSatisfiable", "Request range not satisfiable", undefined, headers)
  }
  const { start, end } = range ?? { start: 0, end: size }
  response.writeHead(range === undefined ? 200 : 206, {
    ...mediaHeaders(object),
    "content-length": end - start,
    ...(range === undefined ? {} : { "content-range": `bytes ${start}-${end - 1}/${size}` }),
  })
  if (request.method === "HEAD") response.end()
  else await pipeline(Readable.from(slice(object.content, start, end)), response)
}

function mediaHeaders(object: StoredObject): Record<string, string> {
  const { contentType, contentEncoding, contentDisposition, contentLanguage, cacheControl } = object.attributes
  const own = {
    "content-encoding": contentEncoding,
    "content-disposition": contentDisposition,
    "content-language": contentLanguage,
  }
  return {
    ...Object.fromEntries(Object.entries(own).filter((entry): entry is [string, string] => entry[1] !== undefined)),
    "content-type": contentType ?? "application/octet-stream",
    "cache-control": cacheControl ?? "no-cache, no-store, max-age=0, must-revalidate",
    "accept-ranges": "bytes",
    "last-modified": new Date(object.updated).toUTCString(),
    etag: etagOf(object),
    "x-goog-generation": String(object.generation),
    "x-goog-metageneration": String(object.metageneration),
    "x-goog-hash": `crc32c=${object.crc32c},md5=${object.md5Hash}`,
    "x-goog-storage-class": object.attributes.storageClass ?? "STANDARD",
    "x-goog-stored-content-encoding": contentEncoding ?? "identity",
    "x-goog-stored-content-length": String(object.content.size),
  }
}
