/** The requests of one process that wait to be chosen. */
export interface Lane {
  readonly name: string
  readonly index: number
  alive: boolean
  pending: Request[]
  /** The operations of the process now, by which the watcher judges its requests. */
  doing: unknown
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
  /** The storage carries the request out, or throws its refusal. `slow`: the body of a read comes in pieces. */
  apply(slow: boolean): unknown
  resolve(value: unknown): void
  reject(error: unknown): void
  readonly signal: AbortSignal | undefined
}

/** Told of requests as they take effect. */
export interface Watcher {
  beforeApply(request: Request, late: boolean): void
  afterApply(request: Request): void
}
