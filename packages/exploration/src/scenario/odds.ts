/** How often what goes wrong, for each request. */
export interface Odds {
  /** The process that ran goes on running. */
  readonly stays: number
  /** A write took effect, and its answer is lost. */
  readonly answerLost: number
  /** A write is lost, and its sender is told nothing. */
  readonly lost: number
  /** A write seems lost, and arrives later. */
  readonly delayed: number
  /** A write arrives once more later. */
  readonly twice: number
  /** The process crashes; what it had under way may arrive later. */
  readonly crash: number
  /** A read fails, and may be tried again. */
  readonly readFails: number
  /** The body of a read comes in pieces, after its opening. */
  readonly slowBody: number
}
