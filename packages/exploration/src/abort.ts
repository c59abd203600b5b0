/**
 * The platform's abort controller, without what a simulation has no use for: making and aborting one costs Node more than
 * everything else that core does for a request. Put in its place for the time of an exploration.
 */
class LightSignal {
  aborted = false
  reason: unknown
  #listeners: (() => void)[] | undefined

  addEventListener(_type: "abort", listener: () => void): void {
    this.#listeners ??= []
    this.#listeners.push(listener)
  }

  removeEventListener(_type: "abort", listener: () => void): void {
    const index = this.#listeners?.indexOf(listener) ?? -1
    if (index >= 0) this.#listeners?.splice(index, 1)
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.reason
  }

  fire(reason: unknown): void {
    if (this.aborted) return
    this.aborted = true
    this.reason = reason
    const listeners = this.#listeners
    this.#listeners = undefined
    if (listeners !== undefined) for (const listener of listeners) listener()
  }
}

// By this `setMaxListeners` of node:events knows an event target.
Object.defineProperty(LightSignal, Symbol.for("nodejs.event_target"), { value: true })

const plainReason = new Error("aborted")

class LightController {
  readonly signal = new LightSignal()

  abort(reason: unknown = plainReason): void {
    this.signal.fire(reason)
  }
}

/** Runs a task with light abort controllers, and cheap errors. */
export async function lightly<T>(task: () => Promise<T>): Promise<T> {
  const { AbortController: platform } = globalThis
  const { stackTraceLimit } = Error
  globalThis.AbortController = LightController as unknown as typeof AbortController
  Error.stackTraceLimit = 0
  try {
    return await task()
  } finally {
    globalThis.AbortController = platform
    Error.stackTraceLimit = stackTraceLimit
  }
}
