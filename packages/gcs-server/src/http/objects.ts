import { collect } from "../content.js"
import { notImplemented } from "../errors.js"
import { listPage, readListQuery } from "../listing/list.js"
import { parseJson, patchAttributes } from "../objects/attributes.js"
import { readLong, readPreconditions } from "../objects/preconditions.js"
import { etagOf, objectResource } from "../objects/stored-object.js"
import type { Call } from "./call.js"
import { sendMedia } from "./download.js"
import { sendEmpty, sendJson } from "./respond.js"
import { permit, type Service } from "./service.js"

/** `/storage/v1/b/{bucket}/o` */
export function handleObjects(service: Service, call: Call, bucketName: string): void {
  if (call.method !== "GET") throw notImplemented(`${call.method} of the objects, but for uploads,`)
  permit(service, call, "storage.objects.list", bucketName)
  const page = listPage(service.store.bucket(bucketName), readListQuery(call.query))
  // Empty lists are left out, as by the service.
  sendJson(call, {
    kind: "storage#objects",
    ...(page.nextPageToken === undefined ? {} : { nextPageToken: page.nextPageToken }),
    ...(page.prefixes.length === 0 ? {} : { prefixes: page.prefixes }),
    ...(page.items.length === 0 ? {} : { items: page.items.map((object) => objectResource(object, call.origin)) }),
  })
}

/** `/storage/v1/b/{bucket}/o/{object}`, and the same under `/download` */
export async function handleObject(service: Service, call: Call, bucket: string, name: string): Promise<void> {
  const { store } = service
  const generation = readLong(call.query, "generation")
  const preconditions = readPreconditions(call.query)
  if (call.method === "GET") {
    permit(service, call, "storage.objects.get", bucket, name)
    const object = store.get(bucket, name, generation, preconditions)
    if (call.query.get("alt") === "media") return sendMedia(call, object)
    sendJson(call, objectResource(object, call.origin), { etag: etagOf(object) })
  } else if (call.method === "DELETE") {
    permit(service, call, "storage.objects.delete", bucket, name)
    store.delete(bucket, name, generation, preconditions)
    sendEmpty(call.response, 204)
  } else if (call.method === "PATCH") {
    permit(service, call, "storage.objects.update", bucket, name)
    const patch = parseJson(Buffer.concat((await collect(call.request)).chunks).toString())
    const change = (before: Parameters<typeof patchAttributes>[0]) => patchAttributes(before, patch)
    sendJson(call, objectResource(store.update(bucket, name, generation, preconditions, change), call.origin))
  } else throw notImplemented(`${call.method} of an object`)
}
