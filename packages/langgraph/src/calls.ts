import { CheckpointError } from "@ckpt/core"

/** The calls of a saver. A call is many requests, so the end of a saver must wait for whole calls. */
export class Calls {
  readonly #underWay = new Set<Promise<unknown>>()
  #isClosed = false

  /** @throws {CheckpointError} `CKPT_CLOSED` once the saver is closed */
  async run<T>(name: string, call: () => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new CheckpointError("CKPT_CLOSED", `${name}: this saver is closed. Make another one.`)
    const running = call()
    this.#underWay.add(running)
    try {
      return await running
    } finally {
      this.#underWay.delete(running)
    }
  }

  /** Each step is a call: between two steps a reader may take its time. */
  async *steps<T>(name: string, all: AsyncGenerator<T, void, void>): AsyncGenerator<T, void, void> {
    for (;;) {
      const given = await this.run(name, () => all.next())
      if (given.done) return
      yield given.value
    }
  }

  /** Refuses later calls, and waits for those under way. */
  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.allSettled(this.#underWay)
  }
}
