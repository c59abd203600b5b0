import { checksumsOf } from "../checksums.js"
import { type Content, collect } from "../content.js"
import { invalid, required } from "../errors.js"
import { type DeclaredObject, parseObjectResource } from "../objects/attributes.js"
import { checkObjectName } from "../objects/names.js"
import { readPreconditions } from "../objects/preconditions.js"
import { objectResource } from "../objects/stored-object.js"
import { parseContentRange } from "../uploads/content-range.js"
import { checkDeclared, parseHashHeader } from "../uploads/declared-checksums.js"
import { parseMultipartRelated } from "../uploads/multipart-related.js"
import { type Call, header, lengthHeader } from "./call.js"
import { sendEmpty, sendJson } from "./respond.js"
import { permit, type Service } from "./service.js"

/** `POST /upload/storage/v1/b/{bucket}/o` */
export async function handleUpload(service: Service, call: Call, bucket: string): Promise<void> {
  const name = call.query.get("name") ?? undefined
  permit(service, call, "storage.objects.create", bucket, name)
  service.store.bucket(bucket)
  const type = call.query.get("uploadType")
  if (type === "resumable") return openSession(service, call, bucket)
  if (type !== "multipart" && type !== "media")
    throw type === null ? required("uploadType") : invalid(`Invalid upload type: '${type}'`)
  const body = await collect(call.request)
  if (type === "media") {
    return insert(service, call, bucket, { attributes: {} }, header(call, "content-type"), body)
  }
  const { resource, contentType, media } = parseMultipartRelated(header(call, "content-type"), body)
  return insert(service, call, bucket, parseObjectResource(resource), contentType, media)
}

async function insert(
  service: Service,
  call: Call,
  bucket: string,
  declared: DeclaredObject,
  contentType: string | undefined,
  content: Content,
): Promise<void> {
  const name = nameOf(call, declared)
  const preconditions = readPreconditions(call.query)
  const checksums = await checksumsOf(content.chunks)
  checkDeclared(declared, checksums)
  checkDeclared(parseHashHeader(header(call, "x-goog-hash")), checksums)
  // From here on nothing is awaited: the condition is checked and the object written in one step.
  permitOverwrite(service, call, bucket, name)
  const attributes = { contentType: contentType ?? "application/octet-stream", ...declared.attributes }
  const object = service.store.insert(bucket, { name, attributes, content, ...checksums }, preconditions)
  sendJson(call, objectResource(object, call.origin))
}

async function openSession(service: Service, call: Call, bucket: string): Promise<void> {
  const body = await collect(call.request)
  const declared = parseObjectResource(Buffer.concat(body.chunks).toString())
  const name = nameOf(call, declared)
  const length = lengthHeader(call, "x-upload-content-length")
  const contentType = header(call, "x-upload-content-type") ?? "application/octet-stream"
  const id = service.sessions.open({
    bucket,
    name,
    attributes: { contentType, ...declared.attributes },
    declared: { ...declared, ...parseHashHeader(header(call, "x-goog-hash")) },
    preconditions: readPreconditions(call.query),
    ...(length === undefined ? {} : { length }),
    permit: () => permitOverwrite(service, call, bucket, name),
  })
  const query = new URLSearchParams({ uploadType: "resumable", name, upload_id: id })
  const location = `${call.origin}/upload/storage/v1/b/${bucket}/o?${query}`
  sendEmpty(call.response, 200, { location, "x-guploader-uploadid": id })
}

/** `PUT /upload/storage/v1/b/{bucket}/o?upload_id=…`. A caller with the address of a session needs no permission. */
export async function handleSessionPut(service: Service, call: Call, bucket: string, id: string): Promise<void> {
  const session = service.sessions.find(bucket, id)
  const range = parseContentRange(header(call, "content-range"))
  const hashes = parseHashHeader(header(call, "x-goog-hash"))
  const state = await session.receive(range, call.request, lengthHeader(call, "content-length"), hashes)
  if (state !== "incomplete") return sendJson(call, objectResource(state.done, call.origin))
  const kept = session.keptBytes
  sendEmpty(call.response, 308, kept === 0 ? {} : { range: `bytes=0-${kept - 1}` })
}

/** `DELETE` of a session: 499 says that the client has closed it. */
export function handleSessionDelete(service: Service, call: Call, bucket: string, id: string): void {
  service.sessions.find(bucket, id).cancel()
  sendEmpty(call.response, 499)
}

function nameOf(call: Call, declared: DeclaredObject): string {
  const inQuery = call.query.get("name") ?? undefined
  const name = inQuery ?? declared.name
  if (name === undefined) throw required("name")
  if (declared.name !== undefined && declared.name !== name) {
    throw invalid(`Value '${declared.name}' in content does not agree with value '${name}'.`)
  }
  checkObjectName(name)
  return name
}

/** To replace an object a caller must also be allowed to delete it. */
function permitOverwrite(service: Service, call: Call, bucket: string, name: string): void {
  if (service.store.peek(bucket, name) !== undefined) permit(service, call, "storage.objects.delete", bucket, name)
}
