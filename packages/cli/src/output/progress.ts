import { Presets, SingleBar } from "cli-progress"
import { bytesText, durationText } from "./amounts.js"
import type { Terminal } from "./terminal.js"

/** How far a long command has come. */
export interface Advance {
  /** Things that are done, such as checkpoints; a part of one counts as that part. */
  readonly done: number
  readonly total: number
  /** Bytes that were read or written so far. */
  readonly bytes: number
}

/** A bar on stderr; nothing where there is no terminal. Answers that are written meanwhile stand above it. */
export class ProgressBar {
  readonly #terminal: Terminal
  readonly #bar: SingleBar | undefined
  readonly #noun: string
  readonly #started = performance.now()
  #begun = false

  /** @param noun of the things, such as "checkpoints" */
  constructor(terminal: Terminal, noun: string) {
    this.#terminal = terminal
    this.#noun = noun
    if (!terminal.showsProgress) return
    const options = {
      format: "[{bar}] {percentage}%  {things}  {rate}  {left}",
      stream: terminal.err,
      barsize: 24,
      // A second Ctrl-C ends the process at once, and must not leave a terminal without a cursor.
      hideCursor: false,
      // The command's own handling of Ctrl-C stops the bar.
      gracefulExit: false,
      clearOnComplete: true,
    }
    this.#bar = new SingleBar(options, Presets.legacy)
    terminal.overlay = this
  }

  update({ done, total, bytes }: Advance): void {
    const bar = this.#bar
    if (bar === undefined) return
    const elapsedMs = performance.now() - this.#started
    const words = {
      things: `${Math.floor(done)}/${total} ${this.#noun}`,
      rate: elapsedMs > 0 && bytes > 0 ? `${bytesText((bytes * 1000) / elapsedMs)}/s` : "",
      left: done > 0 ? `${durationText((elapsedMs * (total - done)) / done)} left` : "",
    }
    if (!this.#begun) bar.start(total, done, words)
    this.#begun = true
    bar.setTotal(total)
    bar.update(done, words)
  }

  /** Empties its line, before an answer is written there. It is drawn again with its next step. */
  clear(): void {
    if (this.#begun) this.#terminal.err.write("\r\x1b[K")
  }

  /** Takes the bar away. */
  stop(): void {
    if (this.#begun) this.#bar?.stop()
    this.#terminal.overlay = undefined
  }
}
