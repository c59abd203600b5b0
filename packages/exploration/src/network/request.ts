/** The requests of one process that wait to be chosen. */
export interface Lane {
  readonly name: string
  readonly index: number
  alive: boolean
  pending: Request[]
  /** The operations of the process now, by which the watcher judges its requests. */
  doing: unknown
  /** Requests that were sent, and answers that arrived, so far. */
  moves: number
  alarms: Alarm[]
  /** The moment by which a request that is sent now has arrived, or never does. Default: none. */
  due?: (kind: Request["kind"], key: string) => number
}

/** Rings at the end of the move with this number, before anybody has taken note of that move. */
interface Alarm {
  readonly at: number
  ring(): void
}

/** A request was sent, or an answer arrives. */
export function moved(lane: Lane): void {
  lane.moves++
  if (lane.alarms.length === 0) return
  const due = lane.alarms.filter(({ at }) => at === lane.moves)
  lane.alarms = lane.alarms.filter(({ at }) => at > lane.moves)
  for (const alarm of due) alarm.ring()
}

/** The request waits in the lane. If its sender gives it up, the sender is told so at once; a write may still arrive late. */
export function wait(lane: Lane, request: Request, late: Request[]): void {
  lane.pending.push(request)
  const { signal, write } = request
  signal?.addEventListener("abort", () => {
    const index = lane.pending.indexOf(request)
    if (index < 0) return
    lane.pending.splice(index, 1)
    if (write) late.push(request)
    request.reject(signal.reason)
  })
}

/** How a request is carried out. */
export interface How {
  /** The body of a read comes in pieces. */
  readonly slow?: boolean
  /** So many changes ago is the time that a page of a listing shows. Default 0. */
  readonly behind?: number
  /** Each object of a page is shown as it was at some moment since the listing began. */
  readonly mixes?: (moments: number) => number
  /** Of several objects, this one is not removed. */
  readonly spares?: (key: string) => boolean
  /** The sync fails. */
  readonly fails?: boolean
}

export interface Request {
  readonly what: () => string
  readonly write: boolean
  /** `doing` of its lane when the request was sent. */
  readonly doing: unknown
  readonly keys: readonly string[]
  /** `call` and `sync`: of a file or a folder. */
  readonly kind: "put" | "get" | "head" | "page" | "delete" | "now" | "body" | "call" | "sync"
  /** See {@link Lane.due}. */
  readonly due: number
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
