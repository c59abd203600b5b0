import { CheckpointError, type CheckpointErrorDetails } from "../errors.js"
import type { Shape } from "./kinds.js"
import { nearest } from "./nearest.js"
import { quote, sentence, show, shown } from "./show.js"

/**
 * Refuses an object of options that has an unknown name, or a value of another kind than its option takes: to ignore one would
 * do something else than was asked for. An option that is `undefined` counts as left out.
 *
 * @param what the function that was called, for the message
 * @throws {CheckpointError} `CKPT_INVALID`, naming the option, the nearest known one, and the value with its type
 */
export function checkOptions(
  what: string,
  given: unknown,
  shape: Shape,
  details: Omit<CheckpointErrorDetails, "cause"> = {},
): void {
  if (given === undefined) return
  const problem = problemOf(given, shape, "")
  if (problem === undefined) return
  throw new CheckpointError("CKPT_INVALID", sentence(`${what}: ${problem}`), details)
}

function problemOf(given: unknown, shape: Shape, path: string): string | undefined {
  if (!isPlain(given)) {
    const subject = path === "" ? "the options are" : `${path.slice(0, -1)} is`
    return `${subject} ${show(given)}; give ${shape.example ?? anExample(shape)}`
  }
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(shape.fields, name))
      return `there is no option ${path}${plainly(name)}${instead(path, name, shape)}`
  }
  for (const [name, kind] of Object.entries(shape.fields)) {
    const value = given[name]
    if (value === undefined) continue
    if (kind.shape !== undefined) {
      const problem = problemOf(value, kind.shape, `${path}${name}.`)
      if (problem !== undefined) return problem
    } else if (!kind.fits(value)) {
      return `${path}${name} is ${show(value)}; give ${typeof kind.give === "string" ? kind.give : kind.give(value)}`
    }
  }
  return undefined
}

function anExample({ fields }: Shape): string {
  const name = Object.keys(fields)[0]
  return name === undefined ? "an object" : `an object of options, such as { ${name} }`
}

function instead(path: string, name: string, { fields, hints = {} }: Shape): string {
  const hint = Object.hasOwn(hints, name) ? hints[name] : undefined
  return hint === undefined ? didYouMean(name, Object.keys(fields), path) : `: ${hint}`
}

/** Completes the message about an unknown name: the nearest known one, or all. */
export function didYouMean(name: string, known: readonly string[], path = ""): string {
  const meant = nearest(name, known)
  if (meant !== undefined) return `. Did you mean ${path}${plainly(meant)}?`
  if (known.length === 0) return ". There is none"
  return `. The known ${known.length === 1 ? "one is" : "ones are"} ${shown(known.map((one) => path + plainly(one)))}`
}

function plainly(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(name) ? name : quote(name)
}

/** Bytes, streams, signals and maps have no options among their properties, so that they would pass for empty options. */
function isPlain(given: unknown): given is Record<string, unknown> {
  if (Object.prototype.toString.call(given) !== "[object Object]") return false
  return !(Symbol.asyncIterator in (given as object)) && !(Symbol.iterator in (given as object))
}
