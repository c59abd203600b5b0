/**
 * Stands in for the platform's abort signal while an exploration runs, with only the parts that core uses. Making and
 * aborting a real one costs Node more than everything else that core does for a request.
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

// `setMaxListeners` of node:events recognises an event target by this property.
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
