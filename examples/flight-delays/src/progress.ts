// The worker's reports to its starter: one JSON object per line of standard output.

export type Progress =
  | {
      event: "recovered"
      id?: number | undefined
      epoch: number
      sinkWasPending: boolean
      skipped: SkippedCheckpoint[]
    }
  /** The epoch's output is staged, and its save starts now. */
  | { event: "staged"; id: number; epoch: number }
  | { event: "saved"; id: number; epoch: number }
  | { event: "published"; id: number; epoch: number }
  | { event: "committed"; id: number; epoch: number }
  | { event: "finished"; epoch: number }

export interface SkippedCheckpoint {
  name: string
  issues: { code: string; message: string }[]
}

export function report(progress: Progress): void {
  process.stdout.write(`${JSON.stringify(progress)}\n`)
}
