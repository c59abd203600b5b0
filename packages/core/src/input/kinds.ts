import { isClass, listed } from "./show.js"

/** What an option may be. */
export interface Kind {
  /** Whether a value may be given. */
  readonly fits: (value: unknown) => boolean
  /** What to give: completes "retry.attempts is 0; give …". */
  readonly give: string | ((value: unknown) => string)
  /** Set for an option that is itself an object of options. */
  readonly shape?: Shape
}

/** The options that an object may have. */
export interface Shape<Name extends string = string> {
  /** The kind of each, by its name. */
  readonly fields: { readonly [name in Name]: Kind }
  /** What to say of a name that is no option here, but looks like one: name → what to do instead. */
  readonly hints?: Readonly<Record<string, string>>
  /** An example of the whole object. */
  readonly example?: string
}

/** Every option of `T` has a kind: the compiler finds one that was forgotten. */
export type ShapeOf<T extends object> = Shape<Extract<keyof T, string>>

/** Any value: for an option that is checked elsewhere. */
export const anything: Kind = { fits: () => true, give: "a value" }
/** True or false. */
export const aBoolean: Kind = { fits: (value) => typeof value === "boolean", give: "true or false" }
/** Any function. */
export const aFunction: Kind = { fits: (value) => typeof value === "function", give: "a function" }
/** Any string. */
export const aString: Kind = { fits: (value) => typeof value === "string", give: "a string" }
/** Any object, an array too, but not null. */
export const anObject: Kind = { fits: isObject, give: "an object" }

export const aSignal: Kind = {
  fits: (value) =>
    isObject(value) && typeof value["aborted"] === "boolean" && typeof value["addEventListener"] === "function",
  give: (value) => (isObject(value) && "signal" in value ? "its signal: controller.signal" : "an AbortSignal"),
}

/** A safe integer in the range. */
export function wholeNumber(from: number, to = Number.MAX_SAFE_INTEGER, unit = "a whole number"): Kind {
  const range = to === Number.MAX_SAFE_INTEGER ? `from ${from}` : `from ${from} to ${to}`
  return {
    fits: (value) => Number.isSafeInteger(value) && isWithin(value as number, from, to),
    give: `${unit} ${range}`,
  }
}

/** Milliseconds: any number in the range, `Infinity` too unless `to` excludes it. */
export function milliseconds(from = 0, to = Number.POSITIVE_INFINITY): Kind {
  const range = to === Number.POSITIVE_INFINITY ? `from ${from}` : `from ${from} to ${to}`
  return { fits: (value) => typeof value === "number" && isWithin(value, from, to), give: `milliseconds ${range}` }
}

/** One of these strings. */
export function oneOf(...values: readonly string[]): Kind {
  return {
    fits: (value) => values.includes(value as string),
    give: listed(
      values.map((value) => JSON.stringify(value)),
      "or",
    ),
  }
}

/** An object that has these methods. */
export function withMethods(names: readonly string[], give: string): Kind {
  return {
    fits: (value) => isObject(value) && names.every((name) => typeof value[name] === "function"),
    give: (value) => (isClass(value) ? `${give}; this is the class: new ${value.name}(…)` : give),
  }
}

/** An option that is itself an object of options. */
export function group(shape: Shape): Kind {
  return { fits: isObject, give: shape.example ?? "an object", shape }
}

function isWithin(value: number, from: number, to: number): boolean {
  return value >= from && value <= to
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null
}
