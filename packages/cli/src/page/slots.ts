/** So many at once, and no more, whoever clicks. */
export class Slots {
  #free: number
  readonly #waiting = new Set<() => void>()

  constructor(atOnce: number) {
    this.#free = atOnce
  }

  /** Resolves when a slot is free, to the function that frees it again; to undefined if the signal is aborted before. */
  async take(signal: AbortSignal): Promise<(() => void) | undefined> {
    while (this.#free === 0 && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#waiting.delete(wake)
          signal.removeEventListener("abort", wake)
          resolve()
        }
        this.#waiting.add(wake)
        signal.addEventListener("abort", wake)
      })
    }
    if (signal.aborted) {
      // The slot that this one was woken for is another's.
      this.#wakeNext()
      return undefined
    }
    this.#free--
    return () => {
      this.#free++
      this.#wakeNext()
    }
  }

  #wakeNext(): void {
    const [next] = this.#waiting
    if (this.#free > 0) next?.()
  }
}
