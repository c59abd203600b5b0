import type { Step } from "../scenario/written.js"
import type { Lane, Request } from "./request.js"

/** The next request of a schedule that is written down. */
export interface Wish {
  /** Places among the lanes, and among the requests of that lane. */
  readonly lane: number
  readonly request: number
  readonly lags: number | undefined
}

/** Takes the steps of a schedule that is written down, one request at a time. */
export class Guide {
  readonly #steps: Step[]

  constructor(steps: readonly Step[]) {
    this.#steps = [...steps]
  }

  /** `undefined`: nothing more is written down. */
  next(lanes: readonly Lane[]): Wish | undefined {
    for (let step = this.#steps[0]; step !== undefined; step = this.#steps[0]) {
      const { process, lags } = step
      const lane = lanes.findIndex(({ index }) => index === process - 1)
      const request = lanes[lane]?.pending.findIndex((one) => arrives(one, step)) ?? -1
      if (request >= 0)
        return { lane, request, lags: lanes[lane]?.pending[request]?.kind === "page" ? lags : undefined }
      this.#steps.shift()
    }
    return undefined
  }
}

function arrives(request: Request, { before = [], only }: Step): boolean {
  const what = request.what()
  const isOneOf = (parts: readonly string[]) => parts.some((part) => what.includes(part))
  return !isOneOf(before) && (only === undefined || isOneOf(only))
}
