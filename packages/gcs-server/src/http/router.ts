import { notImplemented, required, ServiceError } from "../errors.js"
import { handleBucket, handleBuckets } from "./buckets.js"
import type { Call } from "./call.js"
import { handleObject, handleObjects } from "./objects.js"
import type { Service } from "./service.js"
import { handleSessionDelete, handleSessionPut, handleUpload } from "./uploads.js"

/** Finds the handler of a call. @throws {ServiceError} 404 for an unknown path, 501 for one that is left out here */
export async function route(service: Service, call: Call): Promise<void> {
  const [first] = call.path
  if (first === "upload") return routeUpload(service, call, call.path.slice(1))
  const path = first === "download" ? call.path.slice(1) : call.path
  const [api, version, b, bucket, o, object, ...rest] = path
  if (api !== "storage" || version !== "v1" || b !== "b") throw notFound()
  if (bucket === undefined || bucket === "") return handleBuckets(service, call)
  if (o === undefined) return handleBucket(service, call, bucket)
  if (o !== "o") throw notImplemented(`/b/{bucket}/${o}`)
  if (object === undefined || object === "") return handleObjects(service, call, bucket)
  if (rest.length > 0) throw notImplemented(`/o/{object}/${rest[0]}`)
  return handleObject(service, call, bucket, object)
}

async function routeUpload(service: Service, call: Call, path: readonly string[]): Promise<void> {
  const [api, version, b, bucket, o, ...rest] = path
  if (api !== "storage" || version !== "v1" || b !== "b" || o !== "o" || !bucket || rest.length > 0) throw notFound()
  if (call.method === "POST") return handleUpload(service, call, bucket)
  const id = call.query.get("upload_id")
  if (id === null) throw required("upload_id")
  if (call.method === "PUT") return handleSessionPut(service, call, bucket, id)
  if (call.method === "DELETE") return handleSessionDelete(service, call, bucket, id)
  throw notImplemented(`${call.method} of an upload`)
}

const notFound = () => new ServiceError(404, "notFound", "Not Found")

/** Whether the service answers an error of this call as plain text. */
export function answersInText(call: Call): boolean {
  return call.query.get("alt") === "media"
}
