/** The requests of one process that wait to be chosen. */
export interface Lane {
  readonly name: string
  readonly index: number
  alive: boolean
  pending: Request[]
  /** The operations of the process now, by which the watcher judges its requests. */
  doing: unknown
}

/** How a request is carried out. */
export interface How {
  /** The body of a read comes in pieces. */
  readonly slow?: boolean
  /** So many changes ago is the time that a page of a listing shows. Default 0. */
  readonly behind?: number
}

export interface Request {
  readonly what: () => string
  readonly write: boolean
  /** `doing` of its lane when the request was sent. */
  readonly doing: unknown
  readonly keys: readonly string[]
  readonly kind: "put" | "get" | "head" | "page" | "delete" | "now" | "body"
  /** The request begins a listing. */
  readonly firstPage: boolean
  /** The storage carries the request out, or throws its refusal. */
  apply(how: How): unknown
  resolve(value: unknown): void
  reject(error: unknown): void
  readonly signal: AbortSignal | undefined
}

/** Told of requests as they take effect. */
export interface Watcher {
  beforeApply(request: Request, late: boolean): void
}
