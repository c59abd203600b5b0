import { collect } from "../content.js"
import { invalid, notImplemented, required } from "../errors.js"
import { readMaxResults } from "../listing/list.js"
import { pageTokenAfter, readPageToken } from "../listing/page-token.js"
import { parseJson } from "../objects/attributes.js"
import type { Bucket } from "../objects/store.js"
import { etagOf } from "../objects/stored-object.js"
import type { Call } from "./call.js"
import { sendEmpty, sendJson } from "./respond.js"
import { permit, type Service } from "./service.js"

/** `/storage/v1/b` */
export async function handleBuckets(service: Service, call: Call): Promise<void> {
  if (call.query.get("project") === null) throw required("project")
  if (call.method === "GET") return listBuckets(service, call)
  if (call.method !== "POST") throw notImplemented(`${call.method} of the buckets`)
  const body = await collect(call.request)
  const { name } = parseJson(Buffer.concat(body.chunks).toString())
  if (name === undefined) throw required("name")
  if (typeof name !== "string") throw invalid("Invalid value for: name")
  permit(service, call, "storage.buckets.create", name)
  sendJson(call, bucketResource(service.store.createBucket(name), call.origin))
}

/** `/storage/v1/b/{bucket}` */
export function handleBucket(service: Service, call: Call, name: string): void {
  if (call.method === "GET") {
    permit(service, call, "storage.buckets.get", name)
    sendJson(call, bucketResource(service.store.bucket(name), call.origin))
  } else if (call.method === "DELETE") {
    permit(service, call, "storage.buckets.delete", name)
    service.store.deleteBucket(name)
    sendEmpty(call.response, 204)
  } else throw notImplemented(`${call.method} of a bucket`)
}

function listBuckets(service: Service, call: Call): void {
  permit(service, call, "storage.buckets.list")
  const { query } = call
  const prefix = query.get("prefix") ?? ""
  const token = query.get("pageToken")
  const after = token === null ? "" : readPageToken(token)
  const names = service.store.bucketNames().filter((name) => name.startsWith(prefix) && name > after)
  const page = names.slice(0, readMaxResults(query))
  const last = page.at(-1)
  sendJson(call, {
    kind: "storage#buckets",
    ...(page.length < names.length && last !== undefined ? { nextPageToken: pageTokenAfter(last) } : {}),
    items: page.map((name) => bucketResource(service.store.bucket(name), call.origin)),
  })
}

function bucketResource(bucket: Bucket, origin: string): Record<string, unknown> {
  const created = new Date(bucket.timeCreated).toISOString()
  return {
    kind: "storage#bucket",
    id: bucket.name,
    selfLink: `${origin}/storage/v1/b/${bucket.name}`,
    name: bucket.name,
    projectNumber: "123456789012",
    generation: String(bucket.generation),
    metageneration: "1",
    location: "US",
    locationType: "multi-region",
    storageClass: "STANDARD",
    etag: etagOf({ generation: bucket.generation, metageneration: 1 }),
    timeCreated: created,
    updated: created,
  }
}
