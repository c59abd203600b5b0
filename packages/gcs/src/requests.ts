import type { ObjectMeta } from "@ckpt/core"
import { BackendError } from "@ckpt/core"
import type { GcsClient } from "./client.js"
import {
  type Attempted,
  describe,
  networkError,
  type Permission,
  type Refusal,
  readRefusal,
  refusalError,
} from "./errors.js"
import { type GcsRequest, type GcsResponse, GcsTransport, readText } from "./transport.js"

/** An object as the JSON API describes it; 64-bit numbers are text. */
export interface ObjectResource {
  readonly name: string
  readonly size: string
  readonly generation: string
  readonly timeCreated: string
  readonly md5Hash?: string
  readonly crc32c?: string
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

type Query = Readonly<Record<string, string | undefined>>

/** Requests of the JSON API about one bucket (https://cloud.google.com/storage/docs/json_api/v1). */
export class Bucket {
  readonly name: string
  readonly client: GcsClient
  readonly #transport: GcsTransport
  readonly #userProject: string | undefined
  readonly #endpoint: string

  constructor(client: GcsClient, name: string, userProject: string | undefined) {
    this.name = name
    this.client = client
    this.#userProject = userProject
    this.#transport = new GcsTransport(client)
    // Some clients want this path in STORAGE_EMULATOR_HOST, others do not.
    this.#endpoint = client.apiEndpoint.replace(/\/(storage\/v1\/?)?$/, "")
  }

  objectsUrl(query: Query): string {
    return this.#url(`storage/v1/b/${encodeURIComponent(this.name)}/o`, query)
  }

  objectUrl(key: string, query: Query = {}): string {
    return this.#url(`storage/v1/b/${encodeURIComponent(this.name)}/o/${encodeURIComponent(key)}`, query)
  }

  uploadUrl(query: Query): string {
    return this.#url(`upload/storage/v1/b/${encodeURIComponent(this.name)}/o`, query)
  }

  #url(path: string, query: Query): string {
    const given = Object.entries({ ...query, userProject: this.#userProject })
    const search = new URLSearchParams(given.filter((entry): entry is [string, string] => entry[1] !== undefined))
    return `${this.#endpoint}/${path}?${search}`
  }

  attempted(permission: Permission, key?: string): Attempted {
    const write = permission === "storage.objects.create" || permission === "storage.objects.delete"
    return { permission, bucket: this.name, key, write }
  }

  /** An answer of any status, its body still to be read. Rejects with a `BackendError` if no answer came. */
  async open(attempted: Attempted, request: GcsRequest): Promise<GcsResponse> {
    try {
      return await this.#transport.send(request)
    } catch (error) {
      request.signal?.throwIfAborted()
      throw networkError(attempted, error)
    }
  }

  /** An answer of any status, with its body. */
  async ask(attempted: Attempted, request: GcsRequest): Promise<Answer> {
    return this.read(attempted, await this.open(attempted, request), request.signal)
  }

  async read(attempted: Attempted, response: GcsResponse, signal: AbortSignal | undefined): Promise<Answer> {
    try {
      return { status: response.status, headers: response.headers, text: await readText(response) }
    } catch (error) {
      signal?.throwIfAborted()
      throw networkError(attempted, error)
    }
  }

  close(): void {
    this.#transport.close()
  }
}

export function isSuccess({ status }: { readonly status: number }): boolean {
  return status >= 200 && status < 300
}

export function refusalOf({ status, headers, text }: Answer): Refusal {
  return readRefusal(status, headers, text)
}

export function refused(attempted: Attempted, answer: Answer): BackendError {
  return refusalError(attempted, refusalOf(answer))
}

/** The JSON of an answer of success. An answer that cannot be read counts as none: a write may have taken effect. */
export function parse<T extends object>(attempted: Attempted, { status, text }: Answer): T {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === "object" && value !== null) return value as T
  } catch {
    // Not JSON: refused below.
  }
  const kind = attempted.write ? "ambiguous" : "transient"
  throw new BackendError(kind, `${describe(attempted)} was answered with ${status} and no JSON: ${text.slice(0, 200)}`)
}

/** The fields that `metaOf` needs. */
export const metaFields = "name,size,generation,timeCreated"

export function metaOf(attempted: Attempted, resource: Partial<ObjectResource>): ObjectMeta {
  const { name, size, generation, timeCreated } = resource
  // In whole seconds, like the Date and Last-Modified headers: no object may be younger than the clock of `now`.
  const lastModified = new Date(Math.floor(Date.parse(timeCreated ?? "") / 1000) * 1000)
  if (name === undefined || !isCount(size) || !isCount(generation) || Number.isNaN(lastModified.getTime())) {
    const kind = attempted.write ? "ambiguous" : "transient"
    throw new BackendError(kind, `${describe(attempted)} was answered with no object: ${JSON.stringify(resource)}`)
  }
  return { key: name, size: Number(size), version: generation, lastModified }
}

export function isCount(text: string | null | undefined): text is string {
  return typeof text === "string" && /^\d+$/.test(text)
}

export function isGeneration(version: string): boolean {
  // An int64. "00" would be taken for 0, which says that nothing is there.
  return /^[1-9]\d{0,18}$/.test(version) && BigInt(version) < 2n ** 63n
}

/** The service would answer 400 to any other text. Here it is a version that no object has. */
export function assertGeneration(key: string, version: string): void {
  if (isGeneration(version)) return
  throw new BackendError("precondition", `${key} does not have version ${version}, which is no generation`)
}
