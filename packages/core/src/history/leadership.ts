import type { History } from "./history.js"

/** Who leads a store, as its history says. */
export interface Leadership {
  /** The number of the last claim that was given; 0: nobody ever claimed the store. */
  readonly epoch: number
  /** The random id of the writer that leads, of that claim. Absent if nobody leads. */
  readonly writer?: string
  /** The number of a claim that is being made. Absent if none is. */
  readonly claiming?: number
  /** Why the history is lost. Then nobody knows who leads, and writers are refused. Absent if it is sound. */
  readonly lost?: string
}

export async function leadership(history: History, signal: AbortSignal | undefined): Promise<Leadership> {
  const { record, lost } = await history.current(signal)
  const { epoch, writer, claiming } = record
  return {
    epoch,
    ...(writer === undefined ? {} : { writer }),
    ...(claiming === undefined ? {} : { claiming: claiming.epoch }),
    ...(lost === undefined ? {} : { lost }),
  }
}
