/**
 * Counts the tasks that are under way, so that closing can wait for them. A gate that is shut refuses every further task;
 * the tasks under way go on.
 */
export class Gate {
  readonly #refusal: (what: string) => Error
  /** Chunks whose reader has not asked for the next one yet. */
  readonly #resting = new Set<AsyncGenerator<unknown, void, void>>()
  #underWay = 0
  #isShut = false
  #waiting: (() => void)[] = []

  /** @param refusal the error for a task that comes too late; `what` is the task's name */
  constructor(refusal: (what: string) => Error) {
    this.#refusal = refusal
  }

  get isIdle(): boolean {
    return this.#underWay === 0
  }

  /** @throws the refusal, if the gate is shut */
  assertOpen(what: string): void {
    if (this.#isShut) throw this.#refusal(what)
  }

  /** Begins a task. Gives the function to be called when the task has ended. */
  begin(what: string): () => void {
    this.assertOpen(what)
    return this.#count()
  }

  async run<T>(what: string, task: () => Promise<T>): Promise<T> {
    const end = this.begin(what)
    try {
      return await task()
    } finally {
      end()
    }
  }

  /**
   * Runs the caller's own code in the middle of a task. Meanwhile the task does not count as under way: this code may
   * itself wait until everything has ended. A task that needs more afterwards calls {@link assertOpen} first.
   */
  async outside<T>(code: () => Promise<T>): Promise<T> {
    this.#end()
    try {
      return await code()
    } finally {
      this.#underWay++
    }
  }

  /**
   * The same chunks. Each step is a task; between two steps nothing is under way. A gate that is shut lets the step under
   * way end, and then ends the chunks.
   */
  steps<T>(what: string, chunks: AsyncGenerator<T, void, void>): AsyncIterableIterator<T, void, void> {
    let asked = 0
    const step = async () => {
      asked++
      this.#resting.delete(chunks)
      const given = await chunks.next().finally(() => asked--)
      if (given.done) return given
      if (this.#isShut) await chunks.return()
      else if (asked === 0) this.#resting.add(chunks)
      return given
    }
    const iterator: AsyncIterableIterator<T, void, void> = {
      next: () => this.run(what, step),
      return: async () => {
        this.#resting.delete(chunks)
        return chunks.return()
      },
      [Symbol.asyncIterator]: () => iterator,
    }
    return iterator
  }

  shut(): void {
    this.#isShut = true
    for (const chunks of this.#resting) {
      const end = this.#count()
      chunks.return().then(end, end)
    }
    this.#resting.clear()
  }

  /** Resolves once nothing is under way. */
  async ended(): Promise<void> {
    while (this.#underWay > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  #count(): () => void {
    this.#underWay++
    let isOver = false
    return () => {
      if (!isOver) this.#end()
      isOver = true
    }
  }

  #end(): void {
    this.#underWay--
    if (this.#underWay > 0) return
    for (const wake of this.#waiting.splice(0)) wake()
  }
}
