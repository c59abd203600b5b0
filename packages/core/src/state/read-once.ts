import { Readable } from "node:stream"
import { CheckpointError } from "../errors.js"
import { isAsyncIterable, type StateSource } from "./source.js"

/**
 * The streams and generators that a save has taken, with the iterators of others. Each of them is empty, or will be: a save that
 * takes one again would write a state of 0 bytes, and retention would remove the last good one.
 */
const taken = new WeakSet<object>()

/**
 * Takes a source for one save. To be called before anything is read from it.
 *
 * @param name of the option, for the message
 * @throws {CheckpointError} `CKPT_INVALID` if it can be read once, and was
 */
export function takeSource(source: StateSource, name: string): void {
  if (typeof source === "function" || !isAsyncIterable(source)) return
  const state = taken.has(source) ? "taken" : stateOf(source)
  if (state !== "unread" && state !== "unknown") throw readBefore(name, state)
  if (state === "unread") taken.add(source)
  hearErrors(source)
}

/**
 * A stream of Node's that fails while nobody reads it yet ends the process. Its error stays with it, and comes when it is read. To
 * be called for whatever waits before it is read.
 */
export function hearErrors(source: unknown): void {
  if (source instanceof Readable && !source.listeners("error").includes(ignored)) source.on("error", ignored)
}

const ignored = () => {}

/** True for a source that can be read once only, as far as that shows before it is read. */
export function isReadOnce(source: StateSource): boolean {
  return typeof source !== "function" && isAsyncIterable(source) && stateOf(source) !== "unknown"
}

/** Takes the iterator of an iterable: one that gives the same iterator again can be read once, too. */
export function takeIterator(iterator: object, source: object, name: string): void {
  if (iterator === source) return
  if (taken.has(iterator)) throw readBefore(name, "taken")
  taken.add(iterator)
}

function readBefore(name: string, state: Exclude<State, "unread" | "unknown">): CheckpointError {
  const advice = "give a new one, or a function that makes one: () => createReadStream(path)"
  return new CheckpointError("CKPT_INVALID", `${name}: this stream ${why[state]}; ${advice}.`)
}

const why = {
  taken: "was read by an earlier save, or for another operator",
  locked: "is read by somebody else",
  ended: "has ended before this save",
  begun: "was read before this save",
}

type State = "taken" | "unread" | "locked" | "ended" | "begun" | "unknown"

/** Whether a source can be read once, and how far that has come. `unknown`: an iterable that may begin anew each time. */
function stateOf(source: AsyncIterable<unknown>): State {
  const { pipe, readableEnded, destroyed, errored, getReader, locked, next } = source as unknown as Record<
    string,
    unknown
  >
  // The stream's own error says more, and comes when it is read.
  if (typeof pipe === "function") {
    if (readableEnded === true || (destroyed === true && !errored)) return "ended"
    return isBegun(source) ? "begun" : "unread"
  }
  if (typeof getReader === "function") return locked === true ? "locked" : isBegun(source) ? "begun" : "unread"
  return typeof next === "function" ? "unread" : "unknown"
}

/** True if bytes were taken from a stream of Node's or of the web. Of a generator nobody can know. */
const isBegun = (stream: unknown) => Readable.isDisturbed(stream as Readable)
