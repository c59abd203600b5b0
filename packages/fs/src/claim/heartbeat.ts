import { BackendError } from "@ckpt/core"
import { hasErrno } from "../files/errors.js"
import type { FileApi } from "../files/file-api.js"
import { beat, type ClaimPlace } from "./claim-files.js"

interface Beating {
  readonly place: ClaimPlace
  made: boolean
}

/** Shows again and again that the holder of some claims lives. Its timer never keeps the process alive. */
export class Heartbeat {
  readonly #files: FileApi
  readonly #everyMs: number
  readonly #claims: Beating[] = []
  #timer: NodeJS.Timeout | undefined
  #beating: Promise<void> | undefined
  #stopped = false

  constructor(files: FileApi, everyMs: number) {
    this.#files = files
    this.#everyMs = everyMs
  }

  /** Beats for one more claim, at once and from now on. */
  async add(place: ClaimPlace): Promise<void> {
    const claim = { place, made: false }
    await this.#beat(claim)
    this.#claims.push(claim)
    this.#timer ??= setInterval(() => this.#all(), this.#everyMs).unref()
  }

  /** Resolves when nothing is written any more. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearInterval(this.#timer)
    await this.#beating
  }

  #all(): void {
    // Beats must not pile up on a disk that hangs.
    if (this.#stopped || this.#beating !== undefined) return
    this.#beating = Promise.all(this.#claims.map((claim) => this.#beat(claim))).then(() => {
      this.#beating = undefined
    })
  }

  /**
   * A beat that fails counts as silence, and the next beat may succeed. A holder that was superseded meanwhile learns it
   * at its next write.
   */
  async #beat(claim: Beating): Promise<void> {
    try {
      await beat(this.#files, claim.place, !claim.made)
      claim.made = true
    } catch (error) {
      if (hasErrno(error, "EEXIST")) claim.made = true
      // The file was there and is gone: a later claim cleared it away. Or the folder is another one.
      const isOver = claim.made && hasErrno(error, "ENOENT")
      if (isOver || (error instanceof BackendError && error.kind === "fenced"))
        this.#claims.splice(this.#claims.indexOf(claim), 1)
      if (this.#claims.length === 0) clearInterval(this.#timer)
    }
  }
}
