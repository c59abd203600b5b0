/** A promise of the documentation, and the checks that show it. */
export interface OnePromise {
  /** One sentence. */
  readonly says: string
  /** Where users read it: a file, and words that stand there. */
  readonly standsIn: readonly (readonly [file: string, words: string])[]
  readonly checks: readonly Check[]
}

/** A check that can fail: each catches the mutants that it names. */
export type Check = ScenarioCheck | ProgramCheck | ExplorationCheck | CaseCheck

/** A scenario of `@ckpt/conformance`, which also runs over every storage. The tests here run it over memory with each mutant. */
export interface ScenarioCheck {
  readonly scenario: string
  readonly mutants: readonly Mutant[]
}

/** A program in `child/programs`, for a promise of one storage, of the command, or of the packages. The tests here run it with each mutant. */
export interface ProgramCheck {
  readonly program: string
  readonly mutants: readonly Mutant[]
}

/** The exploration of schedules. Its own tests run its mutants, which are named here. */
interface ExplorationCheck {
  readonly explored: readonly string[]
}

/** A case of `@ckpt/conformance`, which runs over every storage. The tests of `@ckpt/memory` run it over backends that lie. */
interface CaseCheck {
  readonly case: string
  /** The names of the backends. */
  readonly liars: readonly string[]
}

/** A change of one module of a package's build. `find` must stand there exactly once. */
export interface Mutant {
  readonly name: string
  readonly package: "core" | "fs" | "cli" | "conformance" | "langgraph"
  /** Below `build`, without its `.js`; or `package.json`. */
  readonly file: string
  readonly find: string
  readonly replace: string
  /** The check waits for a step that the mutant never takes. Else it must fail by an assertion. */
  readonly isAwaited?: true
}

const mutantOf =
  (name: Mutant["package"]) =>
  (what: string, file: string, find: string, replace: string): Mutant => ({
    name: what,
    package: name,
    file,
    find,
    replace,
  })

export const core = mutantOf("core")
export const fs = mutantOf("fs")
export const cli = mutantOf("cli")
export const conformance = mutantOf("conformance")
export const langgraph = mutantOf("langgraph")
