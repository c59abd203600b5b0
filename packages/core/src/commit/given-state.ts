import { CheckpointError } from "../errors.js"
import { show } from "../input/show.js"
import { hearErrors, isReadOnce, takeSource } from "../state/read-once.js"
import { assertSource, isAsyncIterable, optionOf, type StateSource } from "../state/source.js"

/** The operators that a save was given, by their names. */
type OperatorSources = Readonly<Record<string, StateSource>>

/** What a save was given as its state. Both absent: no state, or one that was written ahead. */
interface GivenState {
  readonly state?: StateSource
  readonly operators?: OperatorSources
}

/**
 * Checks the state that a save was given, and takes its streams for this save. Nothing is read.
 *
 * @throws {CheckpointError} `CKPT_INVALID`: whatever is given and cannot be used would be a checkpoint without its state
 */
export function takeState(id: number, options: { readonly state?: unknown; readonly operators?: unknown }): GivenState {
  const { state, operators } = options
  const invalid = (problem: string) =>
    new CheckpointError("CKPT_INVALID", `save of checkpoint ${id}: ${problem}.`, { checkpointId: id })
  if (state !== undefined && operators !== undefined) throw invalid("give state or operators, not both")
  if (operators !== undefined) {
    const sources = operatorsOf(operators, invalid)
    refuseShared(sources, invalid)
    for (const [name, source] of Object.entries(sources)) takeSource(source, optionOf(name))
    return { operators: sources }
  }
  if (state !== undefined) {
    assertSource(state, "state")
    takeSource(state, "state")
    return { state }
  }
  const missing = (["state", "operators"] as const).find((name) => Object.hasOwn(options, name))
  if (missing === undefined) return {}
  throw invalid(`${missing} is undefined; leave it out if the checkpoint has no state`)
}

/**
 * The same options for a save that begins later: the caller may change its objects meanwhile, and a stream may fail. Nothing is
 * checked; what is no plain object is left for the check.
 */
export function heldOptions<T extends { readonly state?: unknown; readonly operators?: unknown }>(options: T): T {
  if (!isPlain(options)) return options
  const { state, operators } = options
  const copy = { ...options, ...(Array.isArray(state) && { state: held(state) }) }
  hearErrors(state)
  if (operators instanceof Map)
    return { ...copy, operators: new Map([...operators].map(([name, source]) => [name, held(source)])) }
  if (!isPlain(operators)) return copy
  return {
    ...copy,
    operators: Object.fromEntries(Object.entries(operators).map(([name, source]) => [name, held(source)])),
  }
}

/** An array of chunks may be added to; bytes and streams stay what they are. */
function held(source: unknown): unknown {
  hearErrors(source)
  return Array.isArray(source) ? [...source] : source
}

function isPlain(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

type Invalid = (problem: string) => CheckpointError

function operatorsOf(operators: unknown, invalid: Invalid): OperatorSources {
  const isMap = Object.prototype.toString.call(operators) === "[object Map]"
  const isRecord = Object.prototype.toString.call(operators) === "[object Object]" && !isAsyncIterable(operators)
  if (!isMap && !isRecord) {
    throw invalid(
      `operators is ${show(operators)}; give the states by name, such as { window: bytes }, or a Map of them`,
    )
  }
  const sources: Record<string, StateSource> = Object.create(null)
  const entries = isMap ? (operators as ReadonlyMap<unknown, unknown>) : Object.entries(operators as object)
  for (const [name, source] of entries) {
    if (typeof name !== "string") throw invalid(`operators has ${show(name)} as a name; a name is a string`)
    assertSource(source, optionOf(name))
    sources[name] = source
  }
  if (Object.keys(sources).length === 0)
    throw invalid("operators is empty; leave it out if the checkpoint has no state")
  return sources
}

/** One stream for two operators: the second would be empty. */
function refuseShared(sources: OperatorSources, invalid: Invalid): void {
  const seen = new Map<StateSource, string>()
  for (const [name, source] of Object.entries(sources)) {
    if (!isReadOnce(source)) continue
    const other = seen.get(source)
    if (other !== undefined) {
      throw invalid(`${optionOf(name)}: this stream was read by ${optionOf(other)}; give a new one to each`)
    }
    seen.set(source, name)
  }
}
