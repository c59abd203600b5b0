/** Where the service says that the fault lies: `{ locationType: "header", location: "If-Match" }`. */
export interface ErrorLocation {
  readonly locationType: "header" | "parameter"
  readonly location: string
}

/** A refusal, as the service words it. `status` is the HTTP status, `reason` the machine-readable one of the JSON body. */
export class ServiceError extends Error {
  override readonly name = "ServiceError"

  readonly status: number
  readonly reason: string
  readonly at: ErrorLocation | undefined
  /** Headers of the response. */
  readonly headers: Readonly<Record<string, string>>

  constructor(
    status: number,
    reason: string,
    message: string,
    at?: ErrorLocation,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message)
    this.status = status
    this.reason = reason
    this.at = at
    this.headers = headers
  }
}

export function invalid(message: string): ServiceError {
  return new ServiceError(400, "invalid", message)
}

export function required(parameter: string): ServiceError {
  const at = { locationType: "parameter", location: parameter } as const
  return new ServiceError(400, "required", `Required parameter: ${parameter}`, at)
}

export function noSuchBucket(): ServiceError {
  return new ServiceError(404, "notFound", "The specified bucket does not exist.")
}

export function noSuchObject(bucket: string, name: string): ServiceError {
  return new ServiceError(404, "notFound", `No such object: ${bucket}/${name}`)
}

export function conditionNotMet(): ServiceError {
  const at = { locationType: "header", location: "If-Match" } as const
  return new ServiceError(412, "conditionNotMet", "At least one of the pre-conditions you specified did not hold.", at)
}

/** 304 has no body; the message is never sent. */
export function notModified(): ServiceError {
  return new ServiceError(304, "notModified", "Not Modified")
}

/** Refuses what this server does not do, rather than ignore it, so that no test passes by accident. */
export function notImplemented(what: string): ServiceError {
  return new ServiceError(501, "notImplemented", `${what} is not implemented by this test server.`)
}
