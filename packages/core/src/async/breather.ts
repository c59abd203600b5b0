const stretchBytes = 1024 * 1024

/** Yields to the event loop after every MiB. Work on bytes that are in memory already would otherwise block it. */
export class Breather {
  #bytes = 0

  /** To be called after each piece of work. `bytes`: bytes that were worked on. */
  async keep(bytes: number): Promise<void> {
    this.#bytes += bytes
    if (this.#bytes < stretchBytes) return
    this.#bytes = 0
    await new Promise((resolve) => setImmediate(resolve))
  }
}
