import type { Writable } from "node:stream"
import { styleText } from "node:util"
import { untilAborted } from "@ckpt/core/adapter"
import { jsonLine } from "./json.js"

/** A stream as a process has it: a terminal, a pipe or a file. */
export type OutputStream = Writable & {
  readonly isTTY?: boolean
  readonly columns?: number
  hasColors?(env?: object): boolean
}

/** The reason of an abort: whoever read the output has gone, as `head` does. */
export class ReaderGone extends Error {
  override readonly name = "ReaderGone"
  constructor() {
    super("the reader of the output is gone")
  }
}

/** The width of text that is wrapped, such as the help, where nobody says how wide. */
const usualWidth = 120

/** What a command writes to: answers to `stdout`, everything else to `stderr`. */
export class Terminal {
  readonly #out: OutputStream
  readonly #err: OutputStream
  readonly #env: NodeJS.ProcessEnv
  readonly #signal: AbortSignal
  /** Called once the reader of the answers is gone. */
  readonly #onGone: (reason: ReaderGone) => void
  #gone: ReaderGone | undefined
  /** Whether the work goes on without its output. */
  #goesOn = false
  #isLost = false
  /** What was written without waiting. */
  #soon: Promise<void> = Promise.resolve()
  /** What is drawn at the end of the output, and makes room for answers. */
  overlay: { clear(): void } | undefined

  constructor(streams: {
    readonly stdout: OutputStream
    readonly stderr: OutputStream
    readonly env: NodeJS.ProcessEnv
    /** When it is aborted, nobody waits any longer for a reader that stands still. */
    readonly signal: AbortSignal
    readonly onGone: (reason: ReaderGone) => void
  }) {
    this.#out = streams.stdout
    this.#err = streams.stderr
    this.#env = streams.env
    this.#signal = streams.signal
    this.#onGone = streams.onGone
    this.#out.on("error", this.#onError)
    // Who reads the notes is of no account: the answers go on.
    this.#err.on("error", ignore)
  }

  readonly #onError = (error: Error) => {
    this.#lost(error)
  }

  /**
   * From now on the command changes something: if its output is lost, by a reader that has gone or a full disk, it does the work to its
   * end, and tells of the loss on stderr.
   */
  goOn(): void {
    this.#goesOn = true
  }

  /**
   * Waits until all output was taken, or is lost.
   *
   * @throws {ReaderGone} and the error of the system if output of {@link writeSoon} is lost
   */
  async flushed(): Promise<void> {
    await this.#taken(this.#err, "")
    await this.#soon
  }

  /** Gives the streams back. */
  release(): void {
    this.#out.off("error", this.#onError)
    this.#err.off("error", ignore)
  }

  /** Columns; infinite in a pipe or a file, if the environment has no COLUMNS: a program that reads a table needs all of it. */
  get width(): number {
    const told = this.#out.columns ?? Number(this.#env["COLUMNS"])
    return told > 0 ? Math.max(told, 40) : Number.POSITIVE_INFINITY
  }

  /** Columns of text that is wrapped. */
  get textWidth(): number {
    return Number.isFinite(this.width) ? this.width : usualWidth
  }

  /** Whether a progress bar has a terminal to be drawn on. */
  get showsProgress(): boolean {
    return this.#err.isTTY === true && this.#env["TERM"] !== "dumb"
  }

  /** The stream of answers. */
  get stdout(): OutputStream {
    return this.#out
  }

  /** The stream of progress and notes. */
  get err(): OutputStream {
    return this.#err
  }

  /** The text in a colour, where there are colours (see NO_COLOR). */
  paint(style: "red" | "green" | "yellow" | "dim" | "bold", text: string): string {
    const hasColours = this.#out.isTTY === true && this.#out.hasColors?.(this.#env) === true
    return hasColours ? styleText(style, text, { validateStream: false }) : text
  }

  /** Writes lines of an answer. Waits until the reader has room for more. */
  async print(...lines: readonly string[]): Promise<void> {
    if (lines.length > 0) await this.write(`${lines.join("\n")}\n`)
  }

  /** Writes one object of an answer as one line of JSON. */
  async json(type: string, fields: object): Promise<void> {
    await this.print(jsonLine(type, fields))
  }

  /**
   * Writes bytes of an answer.
   *
   * @throws {ReaderGone} and the reason of the signal, if it is aborted meanwhile
   */
  async write(chunk: string | Uint8Array): Promise<void> {
    if (this.#gone !== undefined && !this.#goesOn) throw this.#gone
    if (this.#isLost) return
    this.overlay?.clear()
    const failed = await this.#taken(this.#out, chunk)
    if (failed) {
      const lost = this.#lost(failed)
      if (!this.#goesOn) throw lost
    }
  }

  /** Writes bytes of an answer, of a caller that cannot wait; {@link flushed} does. */
  writeSoon(text: string): void {
    const writing = this.write(text)
    this.#soon = this.#soon.then(() => writing)
    this.#soon.catch(ignore)
  }

  /** Writes a line for people beside the answer. */
  note(line: string): void {
    this.overlay?.clear()
    void this.#take(this.#err, `${line}\n`)
  }

  /**
   * Waits until the chunk was taken, or the signal is aborted. A signal that was aborted before ends no wait: the command has heard it,
   * and what it still writes tells how it ended.
   */
  #taken(stream: OutputStream, chunk: string | Uint8Array): Promise<Error | null | undefined> {
    const taking = this.#take(stream, chunk)
    return this.#signal.aborted ? taking : untilAborted(taking, this.#signal)
  }

  /** Resolves, to the error if there is one, when the chunk was taken: so a slow reader slows the command down. */
  #take(stream: OutputStream, chunk: string | Uint8Array): Promise<Error | null | undefined> {
    return new Promise((resolve) => {
      try {
        stream.write(chunk, resolve)
      } catch (error) {
        // Node writes to files at once.
        resolve(error as Error)
      }
    })
  }

  #lost(error: Error & { code?: string }): Error {
    const hasGone = error.code === "EPIPE" || error.code === "ERR_STREAM_DESTROYED" || error.code === "ECONNRESET"
    if (this.#goesOn) {
      if (!this.#isLost) this.note(`ckpt: the output is lost (${error.message}); the work goes on.`)
      this.#isLost = true
      return error
    }
    if (!hasGone) {
      this.#onGone(new ReaderGone())
      return error
    }
    this.#gone ??= new ReaderGone()
    this.#onGone(this.#gone)
    return this.#gone
  }
}

function ignore(): void {}
