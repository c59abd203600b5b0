import type { FileApi } from "../files/file-api.js"
import { lookUp } from "../files/file-info.js"
import { Stage } from "./stage.js"

const fastMs = 2_000

/** What a stage is made for. */
interface Place {
  readonly base: string
  readonly names: readonly string[]
  readonly withPointer: boolean
}

export class NextStage {
  readonly #files: FileApi
  #made: { readonly place: Place; readonly opening: Promise<Stage | undefined> } | undefined
  #timer: NodeJS.Timeout | undefined
  #last = Number.NEGATIVE_INFINITY

  constructor(files: FileApi) {
    this.#files = files
  }

  async take(place: Place): Promise<Stage> {
    const made = this.#made
    this.#made = undefined
    clearTimeout(this.#timer)
    if (made !== undefined) {
      const stage = await made.opening
      if (stage !== undefined) {
        if (isSame(made.place, place) && (await lookUp(this.#files, stage.path))?.isDirectory()) return stage
        await stage.discard()
        await stage.closeBase()
      }
    }
    return Stage.open(this.#files, place.base, place.names, place.withPointer)
  }

  committed(place: Place): void {
    const now = performance.now()
    const isFast = now - this.#last < fastMs
    this.#last = now
    if (!isFast || this.#made !== undefined) return
    const opening = Stage.open(this.#files, place.base, place.names, place.withPointer).catch(() => undefined)
    this.#made = { place, opening }
    this.#timer = setTimeout(() => void this.drop(), fastMs).unref()
  }

  async drop(): Promise<void> {
    const made = this.#made
    this.#made = undefined
    clearTimeout(this.#timer)
    const stage = await made?.opening
    await stage?.discard()
    await stage?.closeBase()
  }
}

function isSame(one: Place, other: Place): boolean {
  return (
    one.base === other.base && one.withPointer === other.withPointer && one.names.join("/") === other.names.join("/")
  )
}
