import type { IncomingHttpHeaders } from "node:http"
import { ServiceError } from "./errors.js"

/** The permissions that this server asks for: https://cloud.google.com/storage/docs/access-control/iam-permissions */
export type Permission =
  | "storage.buckets.create"
  | "storage.buckets.delete"
  | "storage.buckets.get"
  | "storage.buckets.list"
  | "storage.objects.create"
  | "storage.objects.delete"
  | "storage.objects.get"
  | "storage.objects.list"
  | "storage.objects.update"

/** One action that a request is about to take. */
export interface AccessRequest {
  readonly permission: Permission
  /** Absent for the list of the project's buckets. */
  readonly bucket?: string
  readonly object?: string
}

export interface AccessOptions {
  /** The only bearer token that is let in. Without this option any `Authorization` header is let in, or none. */
  requireToken?: string | undefined
  /** Returns true to refuse the action with 403. Asked anew for every request. */
  deny?: ((request: AccessRequest) => boolean) | undefined
}

// The service names the caller here; in the tests there is only one.
const caller = "test@ckpt-test.iam.gserviceaccount.com"

export class Access {
  readonly #options: AccessOptions

  constructor(options: AccessOptions) {
    this.#options = options
  }

  /** @throws {ServiceError} 401 without the token, 403 without the permission */
  check(headers: IncomingHttpHeaders, request: AccessRequest): void {
    const { requireToken, deny } = this.#options
    if (requireToken !== undefined && headers.authorization !== `Bearer ${requireToken}`) {
      throw headers.authorization === undefined ? anonymous(request) : invalidCredentials()
    }
    if (deny?.(request) === true) throw new ServiceError(403, "forbidden", lacks(caller, request))
  }
}

const challenge = { "www-authenticate": 'Bearer realm="https://accounts.google.com/"' }
const authorization = { locationType: "header", location: "Authorization" } as const

function lacks(who: string, { permission, bucket }: AccessRequest): string {
  const resource =
    permission.startsWith("storage.objects.") && permission !== "storage.objects.list" ? "object" : "bucket"
  const access = `${who} does not have ${permission} access to the Google Cloud ${bucket === undefined ? "project" : `Storage ${resource}`}.`
  return `${access} Permission '${permission}' denied on resource (or it may not exist).`
}

function anonymous(request: AccessRequest): ServiceError {
  return new ServiceError(401, "required", lacks("Anonymous caller", request), authorization, challenge)
}

function invalidCredentials(): ServiceError {
  return new ServiceError(401, "authError", "Invalid Credentials", authorization, challenge)
}
