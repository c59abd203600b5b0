/** Of one process: its requests that wait to be chosen. */
export interface Lane {
  readonly name: string
  readonly index: number
  alive: boolean
  pending: Request[]
  /** What it does now, for whoever judges its requests. */
  doing: unknown
}

export interface Request {
  readonly what: () => string
  readonly write: boolean
  /** The issuing lane's `doing` when it was sent. */
  readonly doing: unknown
  readonly keys: readonly string[]
  readonly kind: "put" | "get" | "head" | "page" | "delete" | "now" | "body"
  /** It begins a listing. */
  readonly firstPage: boolean
  /** What the storage does when the request arrives; throws what it refuses. */
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
