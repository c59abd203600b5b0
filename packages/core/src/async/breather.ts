const stretchBytes = 1024 * 1024

/** Lets everything else have its turn now and then: bytes that are in memory already would be worked on in one go. */
export class Pace {
  #bytes = 0

  /** Waits a turn of the event loop after each MiB. */
  async keep(bytes: number): Promise<void> {
    this.#bytes += bytes
    if (this.#bytes < stretchBytes) return
    this.#bytes = 0
    await new Promise((resolve) => setImmediate(resolve))
  }
}
