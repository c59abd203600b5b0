import type { Random } from "./random.js"

/** How likely each fault is, for each request. */
export interface Odds {
  /** The process that sent the last request sends the next one. */
  readonly stays: number
  /** A write took effect, and its answer is lost. */
  readonly answerLost: number
  /** A write is lost, and its sender gets no answer. */
  readonly lost: number
  /** A write seems lost, and arrives later. */
  readonly delayed: number
  /** A write arrives once more later. */
  readonly twice: number
  /** A write took effect, and its answer arrives later. Default 0. */
  readonly slowAnswer?: number
  /** The process crashes; the writes that it had sent may arrive later. */
  readonly crash: number
  /** A read fails, and may be tried again. */
  readonly readFails: number
  /** The body of a read comes in pieces, after its opening. */
  readonly slowBody: number
  /** A page of a listing shows the storage as it was some changes ago. Default 0. */
  readonly lags?: number
  /** A page of a listing shows each object as it was at some moment since the listing began. Default 0. */
  readonly mixed?: number
  /** A write is refused for now, and may be tried again; it changed nothing. Default 0. */
  readonly throttled?: number
  /** A sync of a file or a folder fails. Default 0. */
  readonly syncFails?: number
  /** Time passes before a request arrives: a minute, an hour, ten hours, or a day. Each default 0. */
  readonly passes?: readonly number[]
  /** Of the objects that one request removes some stay, which its answer tells, if it arrives. Default 0. */
  readonly inPart?: number
}

/** The faults of requests that every plan has, at `rate` times their usual frequency. */
export function usualOdds(random: Random, rate: number): Omit<Odds, "slowBody"> {
  return {
    stays: random.among([0.5, 0.7, 0.85, 0.95]),
    answerLost: 0.04 * rate,
    lost: 0.02 * rate,
    delayed: 0.05 * rate,
    twice: 0.03 * rate,
    crash: 0.01 * rate,
    readFails: 0.01 * rate,
  }
}
