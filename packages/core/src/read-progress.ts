import { Meter, type OnProgress } from "./progress.js"

/** A part of a state. */
export interface Slice {
  readonly offset: number
  readonly size: number
  readonly checksum: string | undefined
  /** A whole object is also checked for its length. */
  readonly whole: boolean
}

/** Told of every chunk that is handed over: bytes of the slice so far. */
export type OnRead = (slice: Slice, bytesDone: number) => void

/** Of one slice by itself; it may be read several times. */
export function sliceProgress(onProgress: OnProgress | undefined): OnRead {
  const meter = new Meter(onProgress, "read")
  let before = 0
  return ({ size }, bytesDone) => {
    if (bytesDone <= before) meter.restart()
    before = bytesDone
    if (bytesDone < size) meter.reached(bytesDone, size)
    else meter.end(size)
  }
}

/** Of a whole state, of which slices are read in any order; what is read again counts once. */
export function stateProgress(onProgress: OnProgress | undefined, stateSize: number): OnRead {
  const meter = new Meter(onProgress, "read")
  const slices = new Map<number, number>()
  let whole = 0
  let inSlices = 0
  return ({ offset, whole: isWhole }, bytesDone) => {
    if (isWhole) whole = Math.max(whole, bytesDone)
    else {
      const more = bytesDone - (slices.get(offset) ?? 0)
      if (more > 0) {
        inSlices += more
        slices.set(offset, bytesDone)
      }
    }
    const done = Math.max(whole, inSlices)
    if (done < stateSize) meter.reached(done, stateSize)
    else meter.end(stateSize)
  }
}
