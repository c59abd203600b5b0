import { hasErrno } from "../files/errors.js"
import type { FileApi } from "../files/file-api.js"
import { beat } from "./claim-files.js"

/** Shows again and again that the holder of some claims lives. Its timer never keeps the process alive. */
export class Heartbeat {
  readonly #files: FileApi
  readonly #everyMs: number
  readonly #claims: { readonly folder: string; readonly n: number; made: boolean }[] = []
  #timer: NodeJS.Timeout | undefined
  #beating: Promise<void> | undefined
  #stopped = false

  constructor(files: FileApi, everyMs: number) {
    this.#files = files
    this.#everyMs = everyMs
  }

  /** Beats for one more claim, at once and from now on. */
  async add(folder: string, n: number): Promise<void> {
    const claim = { folder, n, made: false }
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
  async #beat(claim: { readonly folder: string; readonly n: number; made: boolean }): Promise<void> {
    try {
      await beat(this.#files, claim.folder, claim.n, !claim.made)
      claim.made = true
    } catch (error) {
      if (hasErrno(error, "EEXIST")) claim.made = true
      // The file was there and is gone: a later claim cleared it away, or the folder was removed.
      if (claim.made && hasErrno(error, "ENOENT")) this.#claims.splice(this.#claims.indexOf(claim), 1)
      if (this.#claims.length === 0) clearInterval(this.#timer)
    }
  }
}
